"""The ports of the stack: defaults or configured ones for developers, free ones for tests."""

import errno
import fcntl
import os
import random
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from local.errors import LocalError

# Below the ephemeral ports of Linux and macOS, so that no outgoing connection takes a port before
# its server listens.
FIRST_FREE, LAST_FREE = 20_000, 32_000
# Byte N of this file is locked while a process of this user has reserved port N.
LOCKS = Path(f"/tmp/streaming-ports-{os.getuid()}")  # noqa: S108 - the same for every TMPDIR
# The ports already chosen: no server listens on them yet, so the next choice must exclude them.
_chosen: set[int] = set()


@dataclass(frozen=True)
class Ports:
    """The ports that clients use; the environment variable of each is its name in upper case."""

    api_port: int = 8005
    s3_port: int = 9000
    postgres_port: int = 5435
    redis_port: int = 6379
    kafka_port: int = 9092
    user_service_port: int = 8002

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ports":
        """Read API_PORT, S3_PORT and so on; a variable that is not set keeps its default.

        Raises `LocalError` if a value is not a port or two are equal.
        """
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
        """Choose free ports, for a second stack beside a developer's running one.

        Raises `LocalError` if there are too few.
        """
        return cls(*free_ports(len(fields(cls))))

    def claim(self, but: Collection[str] = ()) -> None:
        """Reserve these ports for their servers. Raises `LocalError` if any of them is in use.

        ``but`` are the names of servers that need no port, because they are already running.
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
                f"{are.format(', '.join(told))} in use; stop the other program or choose others: "
                f"{self._others_than(taken)} make run"
            )
        # SeaweedFS's internal ports are chosen before PostgreSQL listens.
        _chosen.update(needed.values())

    def _by_variable(self) -> dict[str, int]:
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}

    def _others_than(self, taken: Mapping[str, int]) -> str:
        """Return the variables of a command line without ports in use.

        Each port in use is replaced by the next free one. Ports that differ from their defaults
        stay, because their variables may be set in the command line that is to be replaced.
        """
        kept = set(self._by_variable().values())
        defaults = {field.name.upper(): field.default for field in fields(self)}
        others = []
        for variable, port in self._by_variable().items():
            if variable not in taken:
                others += [f"{variable}={port}"] if port != defaults[variable] else []
                continue
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
    """Return whether a server can listen on `port` of 127.0.0.1 and none listens on [::1].

    For localhost browsers connect to [::1] first, where another server would answer.
    """
    return _can_listen(socket.AF_INET, "127.0.0.1", port) and (
        not socket.has_ipv6 or _can_listen(socket.AF_INET6, "::1", port)
    )


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        listener = socket.socket(family)
    except OSError:  # this machine does not support the address family
        return True
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE and family == socket.AF_INET6
    return True


def free_ports(count: int) -> list[int]:
    """Choose `count` free ports and reserve them until this process ends.

    Raises `LocalError` if there are too few.
    """
    chosen: list[int] = []
    for port in random.sample(range(FIRST_FREE, LAST_FREE), 1000 + count):
        if len(chosen) == count:
            break
        if claim([port]):
            chosen.append(port)
    if len(chosen) < count:
        raise LocalError(f"no {count} free ports between {FIRST_FREE} and {LAST_FREE}")
    return chosen


def free_pair(distance: int) -> tuple[int, int]:
    """Choose two free ports, the second `distance` above the first.

    Raises `LocalError` if there is no such pair.
    """
    for port in random.sample(range(FIRST_FREE, LAST_FREE - distance), 200):
        if claim([port, port + distance]):
            return port, port + distance
    raise LocalError(f"no two free ports {distance} apart")


def claim(ports: Collection[int]) -> bool:
    """Reserve `ports` if all of them are free; return whether they are.

    No other process of this user can claim them until this process ends. Raises `LocalError` if
    the file of the locks cannot be opened.
    """
    if _chosen.intersection(ports):
        return False
    locked = [port for port in ports if _lock(port)]
    if len(locked) < len(ports) or not all(is_free(port) for port in ports):
        for port in locked:
            fcntl.lockf(_locks(), fcntl.LOCK_UN, 1, port)
        return False
    _chosen.update(ports)
    return True


def _lock(port: int) -> bool:
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):  # another process has it; POSIX allows both
        return False
    return True


@cache
def _locks() -> int:
    """Open the file of the locks, once: closing any descriptor of it would release them all."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(LOCKS, flags, 0o600)
    except OSError as error:
        raise LocalError(f"ports cannot be reserved: {error}") from error
