"""The Redis of a history, which loses its last writes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from local.ports import free_ports
from local.stack import Stack
from tests.support.stored_redis import StoredRedis
from tests.support.tcp_proxy import TcpProxy


class RedisServers:
    """The server in use, a spare one, and two addresses: that of some environments is separate.

    Redis in cluster mode (``TEST_REDIS_CLUSTER=1``) is neither restored nor replaced.
    """

    def __init__(
        self, used: Any, spare: StoredRedis, address: TcpProxy, address_of_some: TcpProxy
    ) -> None:
        self.used = used
        self._spare = spare
        self._address = address
        self.address_of_some = address_of_some

    @property
    def port(self) -> int:
        """The port of the server in use."""
        port: int = self.used.port
        return port

    def disturb(self, manner: str, seconds: float) -> None:
        """Inject the fault of that name."""
        faults: dict[str, Callable[[float], None]] = {
            "refuse": partial(_refuse, self._address),
            "part": partial(_refuse, self.address_of_some),
            "restore": self.restore,
            "replace": self.replace,
        }
        faults[manner](seconds)

    def restore(self, seconds: float) -> None:
        """Restart with a snapshot, without the writes of the ``seconds`` after it."""
        if not isinstance(self.used, StoredRedis):
            return
        self.used.save()
        time.sleep(seconds)
        self.used.kill()
        for address in (self._address, self.address_of_some):
            address.cut_connections()
        self.used.start()
        self.used.forget_snapshot()

    def replace(self, seconds: float) -> None:
        """Fail over to a copy without the writes of the last ``seconds``.

        Some environments reach the former server for as long afterwards.
        """
        if not isinstance(self.used, StoredRedis):
            return
        self._spare.start()
        self._spare.copy(self.used)
        time.sleep(seconds)
        former, self.used, self._spare = self.used, self._spare, self.used
        self._lead(self._address)
        time.sleep(seconds)
        self._lead(self.address_of_some)
        former.kill()

    def _lead(self, address: TcpProxy) -> None:
        address.target_port = self.used.port
        address.cut_connections()


def _refuse(address: TcpProxy, seconds: float) -> None:
    """Let those environments not reach Redis that use ``address``."""
    address.refuse()
    time.sleep(seconds)
    address.pass_through()


@contextmanager
def running_redis(stack: Stack, address: TcpProxy) -> Iterator[RedisServers]:
    """Provide the Redis of a running stack with another address and a spare server."""
    (port,) = free_ports(1)
    spare = StoredRedis(port, stack.state)
    with TcpProxy(stack.redis.port) as address_of_some:
        servers = RedisServers(stack.redis, spare, address, address_of_some)
        try:
            yield servers
        finally:
            for each in (servers.used, spare):
                if each is not stack.redis and each.running:
                    each.stop()
