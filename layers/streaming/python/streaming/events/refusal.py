"""The reasons why Kafka did not accept a message, as far as they are handled differently."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not acknowledged.

    ``message``: Kafka will never accept it. ``topic``: its topic is missing, or access to it is
    denied. ``unanswered``: unknown; Kafka may have received it.
    """

    reason: Literal["message", "topic", "unanswered"]
    error: Exception
