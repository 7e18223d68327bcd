"""Where the events of the use cases go: to Kafka now, or through the outbox later."""

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
    """Takes events."""

    def message(self, event: StreamEvent) -> Message | None:
        """Return ``event`` as it must reach Kafka; None when events are switched off."""
        ...

    def send(self, message: Message) -> bool:
        """Send a message that is in no outbox; tell whether Kafka acknowledged it."""
        ...

    def send_committed(self, message: Message) -> bool:
        """Send a message that is in the outbox, and delete it there once acknowledged.

        Tells whether Kafka acknowledged it: else those behind it have to wait.
        """
        ...


class Publisher(Protocol):
    """Sends to Kafka."""

    def publish(self, message: Message) -> bool:
        """Send ``message``; tell whether Kafka acknowledged it."""
        ...


class KafkaSink:
    """Sends events to Kafka."""

    def __init__(self, publisher: Publisher, outbox: Outbox, topic_prefix: str) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._topic_prefix = topic_prefix

    def message(self, event: StreamEvent) -> Message:
        """Return ``event`` as it goes to Kafka."""
        return event.to_message(self._topic_prefix)

    def send(self, message: Message) -> bool:
        """Send ``message``; tell whether Kafka acknowledged it."""
        return self._publisher.publish(message)

    def send_committed(self, message: Message) -> bool:
        """Send ``message`` and take it out of the outbox; what fails is left to housekeeping."""
        if not self.send(message):
            return False
        try:
            self._outbox.delete(message.event_id)
        except DatabaseUnavailable:
            # The event is in Kafka; housekeeping will send it again and consumers drop repeats.
            logger.warning("an acknowledged event stays in the outbox", event_id=message.event_id)
        return True


class NoEvents:
    """Takes events and forgets them, for deployments without Kafka."""

    def message(self, event: StreamEvent) -> None:
        """Return None: there is nothing to send."""

    def send(self, message: Message) -> bool:
        """Pretend that nothing is left to do."""
        return True

    def send_committed(self, message: Message) -> bool:
        """Pretend that nothing is left to do."""
        return True


def message_of_report(
    action: Action, report: Report, events: EventSink
) -> Callable[[UUID | None], Message | None]:
    """Return the function that makes the message of ``report``, given the id of its session.

    All messages that it makes have one event id. It returns None when events are switched off.
    """
    event_id = new_event_id(report.reported_at)
    return lambda session_id: events.message(
        StreamEvent.of_report(action, report, session_id, event_id)
    )
