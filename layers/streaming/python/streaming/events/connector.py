"""kafka-python's producer, with bounded times and two of its faults corrected."""

import ssl
from typing import Protocol

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

from streaming.config.events import EventSettings
from streaming.resilience.deadline import allowance

_CONNECT_SECONDS = 1.0
# How soon the producer looks again for a broker that it is connecting to, unless that answers.
_LOOK_AGAIN_MILLISECONDS = 50.0


class Producer(Protocol):
    """What sending events needs of kafka-python's producer."""

    def send(self, topic: str, value: bytes, key: bytes) -> FutureRecordMetadata:
        """Begin to send a message."""

    def partitions_for(self, topic: str) -> object:
        """Wait until the topic is known."""

    def discard(self) -> None:
        """End without waiting, with what has not been sent yet."""


class Connector:
    """Connects producers; the certificate authorities are read once."""

    def __init__(self) -> None:
        self._ssl_context: ssl.SSLContext | None = None

    def __call__(self, settings: EventSettings) -> Producer:
        """Return a producer that is connected. Raises ``KafkaError`` and ``OSError``."""
        if settings.sasl_mechanism == "AWS_MSK_IAM":
            # The producer loads it while it connects, which would take half of that time.
            import botocore.session  # noqa: F401
        if settings.security_protocol != "PLAINTEXT" and self._ssl_context is None:
            # The producer would read the authorities for each broker anew.
            self._ssl_context = ssl.create_default_context()
        milliseconds = int(allowance(_CONNECT_SECONDS) * 1000)
        # Repeats are told apart by event_id, so the producer needs no idempotence of its own. A
        # batch is given up soon: what is not acknowledged lies in the outbox.
        return _Producer(
            bootstrap_servers=list(settings.bootstrap_servers),
            security_protocol=settings.security_protocol,
            ssl_context=self._ssl_context,
            sasl_mechanism=settings.sasl_mechanism,
            sasl_plain_username=settings.username,
            sasl_plain_password=settings.password,
            client_id="streaming",
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


class _Producer(KafkaProducer):  # type: ignore[misc]
    """Waits while it connects, and can be discarded.

    Where a message waits for a broker that is being connected to, kafka-python's thread polls as
    fast as it can, which takes the processor from the requests:
    https://github.com/dpkp/kafka-python/issues/1907. What the broker does wakes it all the same.
    """

    def __init__(self, **configuration: object) -> None:
        super().__init__(**configuration)
        self._sender._client.connection_delay = _look_again  # noqa: SLF001

    def discard(self) -> None:
        """End without waiting, as ``close`` does for unsent messages: the outbox has them."""
        self._sender.force_close()
        self._closed = True
        self.close()


def _look_again(node_id: object) -> float:  # noqa: ARG001 - the client asks for each broker
    return _LOOK_AGAIN_MILLISECONDS
