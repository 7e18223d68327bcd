"""Where the events of the use cases go: to Kafka now, or through the outbox later."""

from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools.logging import Logger

from streaming.domain.errors import DatabaseUnavailable
from streaming.events.event import Message, StreamEvent
from streaming.repository.outbox import Outbox

if TYPE_CHECKING:
    from streaming.events.producer import EventProducer

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


class KafkaSink:
    """Sends events to Kafka."""

    def __init__(self, producer: "EventProducer", outbox: Outbox, topic_prefix: str) -> None:
        self._producer = producer
        self._outbox = outbox
        self._topic_prefix = topic_prefix

    def message(self, event: StreamEvent) -> Message:
        """Return ``event`` as it goes to Kafka."""
        return event.to_message(self._topic_prefix)

    def send(self, message: Message) -> bool:
        """Send ``message``; tell whether Kafka acknowledged it."""
        return self._producer.publish(message)

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
