"""Sends events to Kafka, bounded in time.

Nothing runs after a Lambda returns, so each send is awaited. A message that is not acknowledged in
time belongs in the outbox; Kafka may still get it twice, which consumers tell by ``event_id``.
"""

import time
from collections.abc import Sequence
from uuid import UUID

from aws_lambda_powertools.logging import Logger
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streaming.breaker import Breaker
from streaming.deadline import DeadlineExceeded, allowance
from streaming.events import Message
from streaming.metrics import dependency_failure
from streaming.secrets import Rotating, SecretUnavailable
from streaming.settings import EventSettings

logger = Logger(child=True)

_CONNECT_SECONDS = 1.0
_PAUSE_SECONDS = 5.0


class EventPublisher:
    """A producer that connects at the first message, and rests after a failure.

    When ``settings`` rotate, a failure has the password read anew, because the producer does not
    tell a refused one from an outage.
    """

    def __init__(self, settings: EventSettings | Rotating[EventSettings]) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None
        self._breaker = Breaker(_PAUSE_SECONDS)

    def publish(self, messages: Sequence[Message], wait_seconds: float = 0.5) -> set[UUID]:
        """Send ``messages`` in order; return the ids of those acknowledged in ``wait_seconds``."""
        acknowledged: set[UUID] = set()
        if self._breaker.is_open:
            return acknowledged
        try:
            producer = self._producer = self._producer or self._connect()
            ends_at = time.monotonic() + allowance(wait_seconds)
            sends = [
                (
                    message,
                    producer.send(message.topic, message.value.encode(), key=message.key.encode()),
                )
                for message in messages
            ]
            for message, send in sends:
                send.get(timeout=max(0.0, ends_at - time.monotonic()))
                acknowledged.add(message.event_id)
        except (KafkaError, OSError, DeadlineExceeded, SecretUnavailable) as error:
            logger.warning(
                "Kafka does not acknowledge", **dependency_failure("kafka", "publish", error)
            )
            # The producer stays: it reconnects by itself, and closing it waits for what it holds.
            self._breaker.record_failure()
            if isinstance(self._settings, Rotating) and self._settings.renewed():
                self._producer = None
        else:
            self._breaker.record_success()
        return acknowledged

    def _connect(self) -> KafkaProducer:
        settings = self._settings
        if isinstance(settings, Rotating):
            settings = settings.current()
        milliseconds = int(allowance(_CONNECT_SECONDS) * 1000)
        # Repeats are told apart by event_id, so the producer needs no idempotence of its own. A
        # batch is given up soon: what is not acknowledged lies in the outbox.
        return KafkaProducer(
            bootstrap_servers=list(settings.bootstrap_servers),
            security_protocol=settings.security_protocol,
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
