"""Why Kafka did not take a message, as far as it matters for what to do next."""

from dataclasses import dataclass
from typing import Literal

from kafka.errors import (
    BrokerResponseError,
    InvalidRecordError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnknownError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)

_OF_THE_MESSAGE = (
    InvalidRecordError,
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
    ValueError,  # the client itself finds the name of the topic illegal
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not acknowledged.

    ``message``: Kafka will never take it. ``topic``: its topic is missing or forbidden to us.
    ``unanswered``: nobody knows, it may even have arrived.
    """

    reason: Literal["message", "topic", "unanswered"]
    error: Exception


def before_sending(error: Exception) -> Refusal:
    """Tell why the client did not even send a message.

    The only thing that it waits for is where the topic's partitions are. Brokers leave the topics
    out that they do not know, so there the wait runs out.
    """
    return Refusal("topic", error) if isinstance(error, KafkaTimeoutError) else by_answer(error)


def by_answer(error: Exception) -> Refusal:
    """Tell why a message that was sent is not acknowledged."""
    if isinstance(error, _OF_THE_MESSAGE):
        return Refusal("message", error)
    if isinstance(error, UnknownTopicOrPartitionError):
        return Refusal("topic", error)
    if isinstance(error, BrokerResponseError) and not (
        error.retriable or isinstance(error, UnknownError)
    ):
        return Refusal("topic", error)
    return Refusal("unanswered", error)
