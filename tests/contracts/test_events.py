"""Tests that events are sent to Kafka."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from streaming.composition.environment import Environment
from streaming.events.event import Message, StreamEvent, new_event_id
from streaming.events.producer import EventProducer
from tests.contracts.record import EVENING, message_of
from tests.fakes.kafka import MemoryKafka
from tests.support.kafka import events_of
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Kafka:
    """A producer, and a function that returns a user's events in Kafka, oldest first."""

    producer: MemoryKafka | EventProducer
    events_of: Callable[[UUID], list[dict[str, Any]]]


def is_acknowledged(producer: EventProducer, message: Message) -> bool:
    """Send a message; return whether Kafka acknowledged it."""
    return producer.begin(message)()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.server)])
def kafka(request: pytest.FixtureRequest) -> Kafka:
    """Kafka with a connected producer."""
    if request.param == "memory":
        memory = MemoryKafka()
        return Kafka(
            memory,
            lambda user_id: [
                json.loads(each.value) for each in memory.messages if each.key == str(user_id)
            ],
        )
    stack: Stack = request.getfixturevalue("stack")
    parts: Environment = request.getfixturevalue("parts")
    producer = parts.event_producer
    # Before the producer is connected, a message may exceed its time limit.
    eventually(lambda: is_acknowledged(producer, start_message(uuid4())), seconds=30)
    servers = stack.kafka.bootstrap_servers
    return Kafka(producer, lambda user_id: events_of(servers, user_id)["stream.start"])


def start_message(user_id: UUID) -> Message:
    """Return the message of a start by the user."""
    event = StreamEvent(new_event_id(EVENING), "stream_start", user_id, uuid4(), EVENING, uuid4())
    return message_of(event)


def test_publishing(kafka: Kafka) -> None:
    """Acknowledged events of a user are in Kafka in order."""
    user_id = uuid4()
    messages = [start_message(user_id) for _ in range(3)]
    for message in messages:
        assert kafka.producer.begin(message, wait_seconds=10)()
    assert kafka.events_of(user_id) == [json.loads(message.value) for message in messages]


def test_delivering(kafka: Kafka) -> None:
    """Events of several users sent together are in Kafka if none is refused."""
    users = [uuid4() for _ in range(3)]
    messages = [start_message(user_id) for user_id in users]
    assert kafka.producer.deliver(messages, wait_seconds=10) == {}
    for user_id, message in zip(users, messages, strict=True):
        assert kafka.events_of(user_id) == [json.loads(message.value)]


def test_delivering_nothing(kafka: Kafka) -> None:
    """Sending no messages returns no refusals."""
    assert kafka.producer.deliver([], wait_seconds=10) == {}
