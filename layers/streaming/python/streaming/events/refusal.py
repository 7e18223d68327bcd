"""Why Kafka did not take a message, as far as it matters for what to do next."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not acknowledged.

    ``message``: Kafka will never take it. ``topic``: its topic is missing or forbidden to us.
    ``unanswered``: nobody knows, it may even have arrived.
    """

    reason: Literal["message", "topic", "unanswered"]
    error: Exception
