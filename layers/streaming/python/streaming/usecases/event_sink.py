"""Sends the events of use cases to Kafka; housekeeping sends the rest from the outbox."""

from collections.abc import Callable, Sequence
from typing import Protocol

from aws_lambda_powertools.logging import Logger

from streaming.domain.errors import DatabaseUnavailable
from streaming.events.event import Message, StreamEvent
from streaming.repository.outbox import Outbox
from streaming.resilience.deadline import leaving

logger = Logger(child=True)

# Time that remains for inserting an event that Kafka does not acknowledge into the outbox.
_OUTBOX_SECONDS = 0.3


class EventSink(Protocol):
    """Accepts the events of use cases."""

    def message(self, event: StreamEvent) -> Message | None:
        """Return the Kafka message of ``event``; None if events are disabled."""
        ...

    def begin(self, event: StreamEvent, *, is_next: bool) -> Callable[[], None]:
        """Begin to send an event that is not in the outbox; return what completes it.

        It is inserted into the outbox if Kafka does not acknowledge it, and if it is not the next
        one of its user, because older ones are there. To complete it raises
        ``DatabaseUnavailable``.
        """
        ...

    def begin_committed(self, messages: Sequence[Message]) -> Callable[[], None]:
        """Begin to send messages of one user that are in the outbox; return what completes it.

        They are sent one after the other, up to the first one that Kafka does not acknowledge, and
        deleted from the outbox.
        """
        ...


class Publisher(Protocol):
    """Sends messages to Kafka."""

    def begin(self, message: Message) -> Callable[[], bool]:
        """Begin to send ``message``; return what waits for Kafka.

        It returns whether Kafka acknowledged the message.
        """
        ...


class KafkaSink:
    """Sends events to Kafka."""

    def __init__(self, publisher: Publisher, outbox: Outbox, topic_prefix: str) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._topic_prefix = topic_prefix

    def message(self, event: StreamEvent) -> Message:
        """Return the Kafka message of ``event``."""
        return event.to_message(self._topic_prefix)

    def begin(self, event: StreamEvent, *, is_next: bool) -> Callable[[], None]:
        """Begin to send ``event`` if it is the next one of its user."""
        message = self.message(event)
        with leaving(_OUTBOX_SECONDS):
            acknowledgement = self._publisher.begin(message) if is_next else None

        def complete() -> None:
            with leaving(_OUTBOX_SECONDS):
                is_acknowledged = acknowledgement is not None and acknowledgement()
            if not is_acknowledged:
                self._outbox.add(message)

        return complete

    def begin_committed(self, messages: Sequence[Message]) -> Callable[[], None]:
        """Begin to send ``messages``; housekeeping repeats what fails."""
        if not messages:
            return lambda: None
        first, *others = messages
        is_acknowledged = self._publisher.begin(first)

        def complete() -> None:
            if is_acknowledged():
                self._delete(first)
                self.begin_committed(others)()

        return complete

    def _delete(self, message: Message) -> None:
        try:
            self._outbox.delete(message.event_id)
        except DatabaseUnavailable:
            # Housekeeping will send the event again; consumers discard repeats by its id.
            logger.warning("an acknowledged event stays in the outbox", event_id=message.event_id)


class NoEvents:
    """Discards events, for deployments without Kafka."""

    def message(self, event: StreamEvent) -> None:
        """Return None: there is no message to send."""

    def begin(self, event: StreamEvent, *, is_next: bool) -> Callable[[], None]:
        """Discard ``event``."""
        return lambda: None

    def begin_committed(self, messages: Sequence[Message]) -> Callable[[], None]:
        """Send nothing."""
        return lambda: None
