"""Converts errors of kafka-python to ``Refusal``, why Kafka did not accept a message."""

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
    ValueError,  # the client rejects the name of the topic
)


def before_sending(error: Exception) -> Refusal:
    """Return why the client did not send a message.

    Before sending, the client waits only for the topic's metadata. Brokers omit unknown topics from
    the metadata, so for these the wait times out.
    """
    return Refusal("topic", error) if isinstance(error, KafkaTimeoutError) else by_answer(error)


def by_answer(error: Exception) -> Refusal:
    """Return why a message that was sent is not acknowledged."""
    if isinstance(error, _OF_THE_MESSAGE):
        return Refusal("message", error)
    if isinstance(error, UnknownTopicOrPartitionError):
        return Refusal("topic", error)
    if isinstance(error, BrokerResponseError) and not (
        error.retriable or isinstance(error, UnknownError)
    ):
        return Refusal("topic", error)
    return Refusal("unanswered", error)
