"""Kafka in memory."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from streaming.events.event import Message
from streaming.events.refusal import Refusal
from tests.support import event_contract


def accept(_: Message) -> None:
    """Do nothing with a message."""


@dataclass
class MemoryKafka:
    """Accepts ``messages`` unless it ``is_down``.

    Each message must conform to the description of its topic. Messages whose key is in ``refusals``
    are refused with that reason. ``before_sending`` is called with each message before it is sent,
    ``before_answering`` before a sender gets the answer for it, so that a test can read or change
    other state then.
    """

    messages: list[Message] = field(default_factory=list)
    is_down: bool = False
    refusals: dict[str, Refusal] = field(default_factory=dict)
    before_sending: Callable[[Message], None] = accept
    before_answering: Callable[[Message], None] = accept

    def begin(self, message: Message, wait_seconds: float = 0.5) -> Callable[[], bool]:
        """Send ``message`` at once; return whether Kafka acknowledged it."""
        is_acknowledged = not self.deliver([message], wait_seconds)

        def answer() -> bool:
            self.before_answering(message)
            return is_acknowledged

        return answer

    def deliver(self, messages: Sequence[Message], wait_seconds: float) -> dict[UUID, Refusal]:
        """Send ``messages``; return the refusals by event id."""
        refused: dict[UUID, Refusal] = {}
        for message in messages:
            self.before_sending(message)
            refusal = self.refusals.get(message.key)
            if self.is_down:
                refusal = Refusal("unanswered", TimeoutError("no answer"))
            if refusal is None:
                event_contract.require(message.topic, message.key, json.loads(message.value))
                self.messages.append(message)
            else:
                refused[message.event_id] = refusal
        return refused
