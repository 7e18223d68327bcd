"""Sends events to Kafka within a time limit.

A Lambda function runs nothing after it has returned, so each send is awaited. A message that is not
acknowledged in time belongs in the outbox. Kafka may then receive it twice; consumers discard
repeats by ``event_id``.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from uuid import UUID

from aws_lambda_powertools.logging import Logger
from kafka.errors import KafkaConnectionError, KafkaError
from kafka.producer.future import FutureRecordMetadata

from streaming.config.events import EventSettings
from streaming.config.rotating_secrets import Rotating, SecretUnavailable
from streaming.events import kafka_errors
from streaming.events.connector import Connector, Producer
from streaming.events.event import Message
from streaming.events.refusal import Refusal
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.deadline import DeadlineExceeded, allowance

logger = Logger(child=True)

# How long a request waits for a connection; a thread continues to connect afterwards.
_PATIENCE_SECONDS = 0.75
_PAUSE_SECONDS = 1.5
# After a failure, a request waits no longer than this to find out whether Kafka answers again. The
# next message sees an answer that takes longer.
_PROBE_SECONDS = 0.02
_TOPIC_PAUSE_SECONDS = 30.0
_MOST_FAILURES = 3

_UNAVAILABLE = (KafkaError, OSError, DeadlineExceeded, SecretUnavailable)


class EventProducer:
    """Sends messages; connects at the first one, and sends none for a pause after a failure.

    If ``settings`` rotate, the password is read again after a failure, because kafka-python does
    not distinguish a refused login from an outage. A producer with a login is replaced after
    repeated failures. After a failed login kafka-python retries without back-off.

    ``connect`` connects a producer; ``pause_seconds`` is the length of the pause.
    """

    def __init__(
        self,
        settings: EventSettings | Rotating[EventSettings],
        connect: Callable[[EventSettings], Producer] | None = None,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self._settings = settings
        self._connect_with = connect or Connector()
        self._producer: Producer | None = None
        self._breaker = CircuitBreaker(pause_seconds)
        self._failures = 0
        self._unanswered: FutureRecordMetadata | None = None
        self._logs_in = False
        self._connecting: Future[Producer] | None = None
        self._closed_topics: dict[str, tuple[float, Refusal]] = {}

    def connect_ahead(self, topic: str) -> None:
        """Start to connect, unless connected; the first message for ``topic`` waits less then.

        A failure is not noted: the first message connects again.
        """
        if self._producer is None and self._connecting is None:
            self._connecting = self._start_to_connect(topic)

    def begin(self, message: Message, wait_seconds: float = 0.5) -> Callable[[], bool]:
        """Begin to send ``message``; return what waits for Kafka's answer.

        It returns whether Kafka acknowledged the message within ``wait_seconds``. Unavailability of
        Kafka or of its secret is logged, and the result is False.
        """
        if self._breaker.is_open:
            return _not_acknowledged
        try:
            producer = self._producer = self._producer or self._connected(message.topic)
            if self._failures and not (self._unanswered and self._unanswered.succeeded()):
                wait_seconds = _PROBE_SECONDS
            ends_at = time.monotonic() + allowance(wait_seconds)
            self._unanswered = None
            send = producer.send(message.topic, message.value.encode(), key=message.key.encode())
        except _UNAVAILABLE as error:
            self._has_failed("publish", error)
            return _not_acknowledged
        self._unanswered = send
        return lambda: self._is_acknowledged(send, ends_at)

    def _is_acknowledged(self, send: FutureRecordMetadata, ends_at: float) -> bool:
        try:
            send.get(timeout=max(0.0, ends_at - time.monotonic()))
        except _UNAVAILABLE as error:
            self._has_failed("publish", error)
            return False
        self._breaker.record_success()
        self._failures, self._unanswered = 0, None
        return True

    def deliver(self, messages: Sequence[Message], wait_seconds: float) -> dict[UUID, Refusal]:
        """Send independent ``messages``, and wait for all of them.

        Returns the refusals of those not acknowledged within ``wait_seconds``, by event id.
        """
        if self._breaker.is_open:
            resting = Refusal("unanswered", KafkaConnectionError("no answer a moment ago"))
            return dict.fromkeys((message.event_id for message in messages), resting)
        try:
            producer = self._producer = self._producer or self._connect()
        except _UNAVAILABLE as error:
            self._has_failed("connect", error)
            away = Refusal("unanswered", error)
            return dict.fromkeys((message.event_id for message in messages), away)
        ends_at = time.monotonic() + allowance(wait_seconds)
        sends = [(message, self._send(producer, message)) for message in messages]
        refused: dict[UUID, Refusal] = {}
        for message, send in sends:
            refusal = send if isinstance(send, Refusal) else _await(send, ends_at)
            if refusal is not None:
                refused[message.event_id] = refusal
        unanswered = [each.error for each in refused.values() if each.reason == "unanswered"]
        if messages and len(unanswered) == len(messages):
            self._has_failed("deliver", unanswered[0])
        return refused

    def _send(self, producer: Producer, message: Message) -> FutureRecordMetadata | Refusal:
        """Start to send ``message``, unless its topic was refused within the last 30 seconds."""
        closed_until, known = self._closed_topics.get(message.topic, (0.0, None))
        if known is not None and time.monotonic() < closed_until:
            return known
        try:
            return producer.send(message.topic, message.value.encode(), key=message.key.encode())
        except (KafkaError, ValueError) as error:
            refusal = kafka_errors.before_sending(error)
        if refusal.reason == "topic":
            # Otherwise every message to a missing topic would wait for its metadata.
            closed_until = time.monotonic() + _TOPIC_PAUSE_SECONDS
            self._closed_topics[message.topic] = (closed_until, refusal)
        return refusal

    def _has_failed(self, operation: str, error: BaseException) -> None:
        failure = emit_dependency_failure("kafka", operation, error)
        logger.warning("Kafka does not acknowledge", **failure)
        self._breaker.record_failure()
        self._failures += 1
        is_renewed = isinstance(self._settings, Rotating) and self._settings.renewed() is not None
        # Otherwise the producer is kept, because it reconnects by itself, and sooner.
        if is_renewed or (self._logs_in and self._failures % _MOST_FAILURES == 0):
            producer, self._producer = self._producer, None
            if producer is not None:
                producer.discard()

    def _connected(self, topic: str) -> Producer:
        """Return a producer that knows ``topic``; a thread connects it, also after the time-out."""
        connecting = self._connecting
        if connecting is None or (connecting.done() and connecting.exception()):
            connecting = self._connecting = self._start_to_connect(topic)
        seconds = _PROBE_SECONDS if self._failures else _PATIENCE_SECONDS
        try:
            return connecting.result(timeout=allowance(seconds))
        finally:
            if connecting.done():
                self._connecting = None

    def _start_to_connect(self, topic: str) -> Future[Producer]:
        connecting: Future[Producer] = Future()
        Thread(target=self._connect_for, args=(topic, connecting), daemon=True).start()
        return connecting

    def _connect(self) -> Producer:
        settings = self._settings
        if isinstance(settings, Rotating):
            settings = settings.current()
        self._logs_in = settings.sasl_mechanism is not None
        return self._connect_with(settings)

    def _connect_for(self, topic: str, connecting: Future[Producer]) -> None:
        try:
            producer = self._connect()
            with suppress(KafkaError):
                producer.partitions_for(topic)
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            connecting.set_exception(error)
        else:
            connecting.set_result(producer)


def _not_acknowledged() -> bool:
    return False


def _await(send: FutureRecordMetadata, ends_at: float) -> Refusal | None:
    try:
        send.get(timeout=max(0.0, ends_at - time.monotonic()))
    except KafkaError as error:
        return kafka_errors.by_answer(error)
    return None
