"""The producer's handling of each kind of rejection by Kafka."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from kafka.errors import (
    InvalidRecordError,
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownTopicOrPartitionError,
)

from streaming.config.events import EventSettings
from streaming.events.event import Message
from streaming.events.kafka_errors import by_answer
from streaming.events.producer import EventProducer


class FakeProducer:
    """Knows every topic except those called missing, and acknowledges all but silent messages."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.is_discarded = False

    def send(self, topic: str, value: bytes, key: bytes) -> Any:
        """Time out for a missing topic, as the client does after a second."""
        self.asked[topic] += 1
        if topic == "missing":
            raise KafkaTimeoutError("Failed to update metadata")
        self.topic = topic
        return self

    def partitions_for(self, topic: str) -> object:
        """Return the topic's partitions."""
        return {0}

    def discard(self) -> None:
        """Close without waiting."""
        self.is_discarded = True

    def get(self, timeout: float) -> None:
        """Return after the message is acknowledged."""
        if self.topic == "silent":
            raise KafkaTimeoutError("Timeout after waiting")


class Publisher(EventProducer):
    """Connects to the fake."""

    def __init__(
        self, environment: Mapping[str, str] | None = None, pause_seconds: float = 1.5
    ) -> None:
        self.producer = FakeProducer()
        settings = EventSettings.from_environment(environment or {})
        super().__init__(settings, lambda _: self.producer, pause_seconds)


def to(topic: str) -> Message:
    """Create a message to a topic."""
    return Message(uuid4(), topic, "key", "value")


def test_each_message_is_refused_on_its_own_account() -> None:
    """A rejected message does not prevent the acknowledgement of others."""
    messages = [to("missing"), to("known"), to("missing")]

    refused = Publisher().deliver(messages, 1)

    assert set(refused) == {messages[0].event_id, messages[2].event_id}
    assert {refusal.reason for refusal in refused.values()} == {"topic"}


def test_missing_topic_is_asked_for_once() -> None:
    """Requesting a missing topic takes a second, so it is not repeated for each message."""
    publisher = Publisher()

    publisher.deliver([to("missing"), to("missing"), to("known")], 1)
    publisher.deliver([to("missing")], 1)

    assert publisher.producer.asked == {"missing": 1, "known": 1}


def test_kafka_that_answers_nothing_is_left_alone() -> None:
    """If no message at all is acknowledged, the next messages do not wait for the same time-out."""
    publisher = Publisher()
    publisher.deliver([to("silent")], 0)

    (refusal,) = publisher.deliver([to("known")], 1).values()

    assert refusal.reason == "unanswered"
    assert publisher.producer.asked == {"silent": 1}


LOGIN = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"}


@pytest.mark.parametrize("environment", [LOGIN, {}], ids=["login", "no login"])
def test_producer_whose_login_may_be_refused_is_replaced(environment: dict[str, str]) -> None:
    """A client with repeated failures of its login is discarded; others reconnect themselves."""
    publisher = Publisher(environment, pause_seconds=0)

    for _ in range(3):
        publisher.deliver([to("silent")], 0)

    assert publisher.producer.is_discarded is bool(environment)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MessageSizeTooLargeError(), "message"),
        (InvalidRecordError(), "message"),
        (ValueError("Topic name is illegal"), "message"),
        (TopicAuthorizationFailedError(), "topic"),
        (UnknownTopicOrPartitionError(), "topic"),
        (KafkaTimeoutError(), "unanswered"),
        (KafkaConnectionError(), "unanswered"),
        (NotLeaderForPartitionError(), "unanswered"),
        (RequestTimedOutError(), "unanswered"),
        (UnknownError(), "unanswered"),
    ],
)
def test_reasons(error: Exception, reason: str) -> None:
    """Only Kafka's response about the message or its topic counts as a rejection of it."""
    assert by_answer(error).reason == reason


def test_connected_ahead() -> None:
    """The first message uses the connection that was started ahead of it."""
    attempts: list[EventSettings] = []

    def connect(settings: EventSettings) -> FakeProducer:
        attempts.append(settings)
        return FakeProducer()

    producer = EventProducer(EventSettings.from_environment({}), connect)
    producer.connect_ahead("known")
    producer.connect_ahead("known")

    assert producer.begin(to("known"))()
    producer.connect_ahead("known")
    assert len(attempts) == 1


def test_failure_to_connect_ahead() -> None:
    """After an attempt that failed before the first message, messages connect again."""
    failures: list[Exception] = [KafkaConnectionError("refused")]

    def connect(_: EventSettings) -> FakeProducer:
        if failures:
            raise failures.pop()
        return FakeProducer()

    producer = EventProducer(EventSettings.from_environment({}), connect, pause_seconds=0)
    producer.connect_ahead("known")

    results = [producer.begin(to("known"))() for _ in range(2)]

    assert results[-1]
