"""Tells from an error of kafka-python why Kafka did not take a message."""

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

from streaming.events.refusal import Refusal

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
