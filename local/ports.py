"""The ports of the stack: the usual ones or the developer's own for people, free ones for tests."""

import errno
import os
import random
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from local.errors import LocalError

# Below the ports that Linux and macOS hand out to clients, so that no connection takes one before
# its server does.
FIRST_FREE, LAST_FREE, SLICE = 20_000, 32_000, 100
# A chosen port is not listened on at once, so that the next choice has to be told of it.
_chosen: set[int] = set()


@dataclass(frozen=True)
class Ports:
    """The ports that clients use; the environment variable of each is its name in capitals."""

    api_port: int = 8005
    s3_port: int = 9000
    postgres_port: int = 5435
    redis_port: int = 6379
    kafka_port: int = 9092
    user_service_port: int = 8002

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ports":
        """Read API_PORT, S3_PORT and so on; what is not set keeps its default."""
        given = {}
        for field in fields(cls):
            variable = field.name.upper()
            text = environment.get(variable, "")
            if text:
                if not text.isdecimal() or not 0 < int(text) < 65536:
                    raise LocalError(f"{variable}={text} is not a port")
                given[field.name] = int(text)
        ports = cls(**given)
        ports._check_distinct()
        return ports

    @classmethod
    def free(cls) -> "Ports":
        """Choose ports that nobody listens on, for a second stack beside a developer's own."""
        return cls(*free_ports(len(fields(cls))))

    def claim(self, but: Collection[str] = ()) -> None:
        """Keep these ports for their servers; raise in one line which somebody else listens on.

        ``but`` are the names of servers that need none, because they run already.
        """
        needed = {
            variable: port
            for variable, port in self._by_variable().items()
            if variable.removesuffix("_PORT").lower() not in but
        }
        taken = {variable: port for variable, port in needed.items() if not is_free(port)}
        if taken:
            told = [f"{port} ({_server_of(variable)})" for variable, port in taken.items()]
            are = "ports {} are" if len(taken) > 1 else "port {} is"
            raise LocalError(
                f"{are.format(', '.join(told))} taken; free what holds them or choose others: "
                f"{self._others_than(taken)} make run"
            )
        # SeaweedFS's internal ports are chosen before PostgreSQL listens on its own.
        _chosen.update(needed.values())

    def _by_variable(self) -> dict[str, int]:
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}

    def _others_than(self, taken: Mapping[str, int]) -> str:
        """Return variables with free ports for those that are taken, each near its own."""
        kept = set(self._by_variable().values())
        others = []
        for variable, port in taken.items():
            candidates = (*range(port + 1, LAST_FREE), *range(FIRST_FREE, LAST_FREE))
            other = next(each for each in candidates if each not in kept and is_free(each))
            kept.add(other)
            others.append(f"{variable}={other}")
        return " ".join(others)

    def _check_distinct(self) -> None:
        owner: dict[int, str] = {}
        for variable, port in self._by_variable().items():
            if port in owner:
                raise LocalError(f"{owner[port]} and {variable} are both {port}")
            owner[port] = variable


def _server_of(variable: str) -> str:
    return variable.removesuffix("_PORT").lower().replace("_", " ")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now, and nobody does on [::1].

    Browsers ask [::1] first for localhost, and would find somebody else's server there.
    """
    return _can_listen(socket.AF_INET, "127.0.0.1", port) and (
        not socket.has_ipv6 or _can_listen(socket.AF_INET6, "::1", port)
    )


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        listener = socket.socket(family)
    except OSError:  # this machine has no such addresses
        return True
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE and family == socket.AF_INET6
    return True


def free_ports(count: int) -> list[int]:
    """Choose `count` free ports, each process in a slice of its own, so that two do not clash."""
    slices = (LAST_FREE - FIRST_FREE) // SLICE
    start = FIRST_FREE + os.getpid() % slices * SLICE
    candidates = random.sample(range(start, start + SLICE), SLICE)
    candidates += random.sample(range(FIRST_FREE, LAST_FREE), 1000)
    chosen: list[int] = []
    for port in candidates:
        if claim([port]):
            chosen.append(port)
            if len(chosen) == count:
                return chosen
    raise LocalError(f"no {count} free ports between {FIRST_FREE} and {LAST_FREE}")


def free_pair(distance: int) -> tuple[int, int]:
    """Choose two free ports, the second `distance` above the first."""
    for port in random.sample(range(FIRST_FREE, LAST_FREE - distance), 200):
        if claim([port, port + distance]):
            return port, port + distance
    raise LocalError(f"no two free ports {distance} apart")


def claim(ports: Collection[int]) -> bool:
    """Keep free `ports` from being chosen again; tell whether all of them were free."""
    if _chosen.intersection(ports) or not all(is_free(port) for port in ports):
        return False
    _chosen.update(ports)
    return True
