"""A Kafka that rejects what a test tells it to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from streaming.events.event import Message
from streaming.events.refusal import Refusal

FORBIDDEN = Refusal("topic", TopicAuthorizationFailedError())
UNANSWERED = Refusal("unanswered", KafkaTimeoutError())


@dataclass
class FakeKafka:
    """Accepts all messages except configured ones, and stores their order over all topics."""

    taken: list[Message] = field(default_factory=list)
    refusals: dict[UUID, Refusal] = field(default_factory=dict)
    closed_topics: dict[str, Refusal] = field(default_factory=dict)
    before_answering: Callable[[], None] = lambda: None

    def deliver(self, messages: Sequence[Message], wait_seconds: float) -> Mapping[UUID, Refusal]:
        """Accept or reject each message."""
        self.before_answering()
        refused = {}
        for message in messages:
            refusal = self.refusals.get(message.event_id) or self.closed_topics.get(message.topic)
            if refusal:
                refused[message.event_id] = refusal
            else:
                self.taken.append(message)
        return refused

    def values(self, key: str) -> list[str]:
        """Return the accepted values of a key, in order."""
        return [message.value for message in self.taken if message.key == key]
