"""Connects producers of kafka-python, with short time-outs and four defects corrected."""

import ssl
from socket import socket
from typing import Protocol

from kafka import KafkaProducer
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.producer.future import FutureRecordMetadata

from streaming.config.events import EventSettings
from streaming.resilience.deadline import allowance

_CONNECT_SECONDS = 1.0
# How often the producer polls a broker that it is connecting to, unless the broker answers earlier.
_LOOK_AGAIN_MILLISECONDS = 50.0


class Producer(Protocol):
    """The members of kafka-python's producer that are used, and ``discard``."""

    def send(self, topic: str, value: bytes, key: bytes) -> FutureRecordMetadata:
        """Start to send a message."""

    def partitions_for(self, topic: str) -> object:
        """Wait for the metadata of the topic."""

    def discard(self) -> None:
        """Close without waiting for unsent messages."""


class Connector:
    """Connects producers. The CA certificates are loaded once."""

    def __init__(self) -> None:
        self._ssl_context: ssl.SSLContext | None = None

    def __call__(self, settings: EventSettings) -> Producer:
        """Return a producer that is connected. Raises ``KafkaError`` and ``OSError``."""
        if settings.sasl_mechanism == "AWS_MSK_IAM":
            # Otherwise the producer imports it while it connects, for half of the time-out.
            import botocore.session  # noqa: F401
        if settings.security_protocol != "PLAINTEXT" and self._ssl_context is None:
            # Otherwise the producer loads the CA certificates for each broker.
            self._ssl_context = ssl.create_default_context()
        milliseconds = int(allowance(_CONNECT_SECONDS) * 1000)
        # Consumers discard repeats by event_id, so the producer needs no idempotence of its own.
        # Batches time out early, because the outbox keeps what is not acknowledged.
        return _Producer(
            bootstrap_servers=list(settings.bootstrap_servers),
            security_protocol=settings.security_protocol,
            ssl_context=self._ssl_context,
            sasl_mechanism=settings.sasl_mechanism,
            sasl_plain_username=settings.username,
            sasl_plain_password=settings.password,
            client_id="streaming",
            proxy_url=f"{_Socket.SCHEMES[0]}://",
            acks="all",
            enable_idempotence=False,
            retries=2,
            max_in_flight_requests_per_connection=1,
            bootstrap_timeout_ms=milliseconds,
            max_block_ms=milliseconds,
            request_timeout_ms=500,
            delivery_timeout_ms=1000,
            reconnect_backoff_max_ms=1000,
            metrics_enabled=False,
        )


class _Socket(KafkaNetSocket):  # type: ignore[misc]
    """Connects without a proxy, and closes the socket of an attempt that fails.

    kafka-python leaves it to the garbage collector, which an environment seldom runs in an outage.
    It finds this class by the scheme of ``proxy_url``.
    """

    SCHEMES = ("direct",)

    async def sock_connect(
        self, net: object, sock: socket, sockaddr: object, timeout_at: float | None = None
    ) -> socket:
        try:
            await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
        return sock


class _Producer(KafkaProducer):  # type: ignore[misc]
    """A producer that sleeps between polls while it connects, and that can be discarded.

    While a message waits for a connection to a broker, kafka-python's thread polls without pause,
    which takes CPU time from requests: https://github.com/dpkp/kafka-python/issues/1907. Data from
    the broker still wakes the thread at once.
    """

    def __init__(self, **configuration: object) -> None:
        opened: list[KafkaNetClient] = []

        def open_client(**options: object) -> KafkaNetClient:
            opened.append(KafkaNetClient(**options))
            return opened[-1]

        try:
            super().__init__(kafka_client=open_client, **configuration)
        except BaseException:
            # kafka-python leaves the client of a failed attempt open, with its selector.
            for client in opened:
                client.close()
            raise
        self._sender._client.connection_delay = _look_again  # noqa: SLF001

    def discard(self) -> None:
        """Close without waiting for unsent messages, as ``close`` would: the outbox has them."""
        self._sender.force_close()
        self._closed = True
        self.close()


def _look_again(node_id: object) -> float:  # noqa: ARG001 - the client asks for each broker
    return _LOOK_AGAIN_MILLISECONDS
