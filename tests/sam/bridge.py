"""Makes the embedded services, which listen only on this machine, reachable from containers."""

import contextlib
from collections.abc import Iterator

from local.servers.kafka import Kafka
from local.stack import TOPICS, Stack
from tests.support.tcp_proxy import TcpProxy

_LOOPBACK = "127.0.0.1"


def put_kafka_at(stack: Stack, address: str) -> None:
    """Make the broker of a stack that has not started listen at ``address``.

    A proxy is sufficient for the other servers, but the broker sends its address to clients.
    """
    stack.kafka = Kafka(stack.ports.kafka_port, stack.state, topics=TOPICS, host=address)
    stack.environment["KAFKA_BOOTSTRAP_SERVERS"] = stack.kafka.bootstrap_servers


@contextlib.contextmanager
def bridged(stack: Stack, address: str) -> Iterator[dict[str, str]]:
    """Forward connections to ``address``; yield the environment of functions in containers."""
    with contextlib.ExitStack() as proxies:
        for server in (stack.s3, stack.redis, stack.postgres, stack.user_service):
            proxies.enter_context(TcpProxy(server.port, server.port, host=address))
        environment = {
            name: value.replace(_LOOPBACK, address) for name, value in stack.environment.items()
        }
        # Players are outside the containers.
        environment["S3_PUBLIC_ENDPOINT_URL"] = stack.environment["S3_PUBLIC_ENDPOINT_URL"]
        yield environment
