"""A stack in which every server is reached through a proxy that can inject faults."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self

from local.stack import Stack
from tests.support.redis_of_stack import announced
from tests.support.tcp_proxy import TcpProxy

_VARIABLES = {
    "postgres": "DATABASE_URL",
    "redis": "REDIS_PORT",
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "s3": "S3_ENDPOINT_URL",
    "user_service": "USER_SERVICE_URL",
}
DEPENDENCIES = tuple(_VARIABLES)


class Proxies:
    """A proxy in front of each server of a running stack; ``proxies["redis"]`` is the one of Redis.

    ``environment`` contains the variables of functions that use the proxies. Players access the
    bucket directly. A context manager.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._running = ExitStack()
        self._proxies = {
            name: TcpProxy(getattr(stack, name).port, readdress=name == "kafka")
            for name in DEPENDENCIES
        }

    def __enter__(self) -> Self:
        """Begin to listen."""
        for proxy in self._proxies.values():
            self._running.enter_context(proxy)
        self._running.enter_context(announced(self._stack, self["redis"].port))
        return self

    def __exit__(self, *_: object) -> None:
        """Reset all connections."""
        self._running.close()

    def __getitem__(self, dependency: str) -> TcpProxy:
        """Return the proxy of one server."""
        return self._proxies[dependency]

    @property
    def environment(self) -> dict[str, str]:
        """The stack's environment with the proxies' addresses instead of its servers'."""
        ports = {name: proxy.port for name, proxy in self._proxies.items()}
        return redirected(self._stack, ports)


def redirected(stack: Stack, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the stack's environment with other ports for the servers named in ``ports``."""
    environment = dict(stack.environment)
    for dependency, port in ports.items():
        variable = _VARIABLES[dependency]
        if dependency == "redis":
            environment[variable] = str(port)
            continue
        server = f"127.0.0.1:{getattr(stack, dependency).port}"
        assert server in environment[variable]
        environment[variable] = environment[variable].replace(server, f"127.0.0.1:{port}")
    return environment
