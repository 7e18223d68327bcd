"""Sends the events of use cases to Kafka; housekeeping sends the rest from the outbox."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.domain.errors import DatabaseUnavailable
from streaming.domain.progress import Report
from streaming.events.event import Action, Message, StreamEvent, new_event_id
from streaming.repository.outbox import Outbox

logger = Logger(child=True)


class EventSink(Protocol):
    """Accepts the events of use cases."""

    def message(self, event: StreamEvent) -> Message | None:
        """Return the Kafka message of ``event``; None if events are disabled."""
        ...

    def send(self, message: Message) -> bool:
        """Send a message that is not in the outbox; return whether Kafka acknowledged it."""
        ...

    def send_committed(self, message: Message) -> bool:
        """Send a message that is in the outbox, and delete it there if Kafka acknowledges it.

        Returns whether Kafka acknowledged it. If not, the user's later messages must not be sent.
        """
        ...


class Publisher(Protocol):
    """Sends messages to Kafka."""

    def publish(self, message: Message) -> bool:
        """Send ``message``; return whether Kafka acknowledged it."""
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

    def send(self, message: Message) -> bool:
        """Send ``message``; return whether Kafka acknowledged it."""
        return self._publisher.publish(message)

    def send_committed(self, message: Message) -> bool:
        """Send ``message`` and delete it from the outbox; housekeeping repeats what fails."""
        if not self.send(message):
            return False
        try:
            self._outbox.delete(message.event_id)
        except DatabaseUnavailable:
            # Housekeeping will send the event again; consumers discard repeats by its id.
            logger.warning("an acknowledged event stays in the outbox", event_id=message.event_id)
        return True


class NoEvents:
    """Discards events, for deployments without Kafka."""

    def message(self, event: StreamEvent) -> None:
        """Return None: there is no message to send."""

    def send(self, message: Message) -> bool:
        """Return True without sending."""
        return True

    def send_committed(self, message: Message) -> bool:
        """Return True without sending."""
        return True


def message_of_report(
    action: Action, report: Report, events: EventSink
) -> Callable[[UUID | None], Message | None]:
    """Return a function that makes the message of ``report`` from the id of its session.

    All messages that it makes have the same event id. It returns None if events are disabled.
    """
    event_id = new_event_id(report.reported_at)
    return lambda session_id: events.message(
        StreamEvent.of_report(action, report, session_id, event_id)
    )
