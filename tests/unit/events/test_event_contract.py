"""docs/events/asyncapi.yaml describes what is published, and what is read as described."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
import yaml

from streaming.domain.progress import Report
from streaming.domain.viewing import ViewingEvent
from streaming.events.records import InvalidRecord, KafkaRecord, records_of
from streaming.events.viewing import viewing_event
from tests.fakes.delivery import StoredFilm
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film
from tests.support import event_contract as contract
from tests.support.functions import ROOT, event
from tests.support.kafka import TOPICS

CHANGES = "subscription.changed"
# When the examples were sent, in Unix milliseconds.
SENT_MS = 1_795_339_900_000

EXAMPLES = [(topic, example) for topic in contract.topics() for example in contract.examples(topic)]
EVENTS = [(topic, example) for topic, example in EXAMPLES if topic in TOPICS]


def record_of(topic: str, value: object) -> KafkaRecord:
    """Return the record of a message."""
    text = base64.b64encode(json.dumps(value).encode()).decode()
    return KafkaRecord(topic, 0, 0, text, timestamp=SENT_MS)


def read(topic: str, value: object) -> ViewingEvent:
    """Read a message as the analytics do."""
    return viewing_event(record_of(topic, value), SENT_MS)


def optional(topic: str) -> set[str]:
    """Return the fields that a message of a topic may lack."""
    return set(contract.described(topic)) - set(contract.required(topic))


def test_topics_are_those_of_the_template() -> None:
    """The described topics are the ones that the template's defaults name, and no others."""

    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text("utf-8"), Loader)
    prefix, changes = (
        template["Parameters"][name]["Default"]
        for name in ("KafkaTopicPrefix", "SubscriptionChangedTopic")
    )
    assert set(contract.topics()) == {
        f"{prefix}.{name}" for name in ("start", "progress", "stop")
    } | {changes}
    assert set(TOPICS) | {CHANGES} == set(contract.topics())


@pytest.mark.parametrize(("topic", "example"), EXAMPLES)
def test_examples_conform(topic: str, example: dict[str, Any]) -> None:
    """Each example is a message that the producer may send."""
    contract.require(topic, example["user_id"], example)


def test_published_messages_conform() -> None:
    """What each use case publishes is as described, and every described field is published."""
    world = MemoryEnvironment()
    movie_id = add_film(world, StoredFilm(("hls", "dash")))
    viewer = MemoryViewer(world, max_streams=1)
    first = viewer.start(movie_id).session_id
    viewer.report(movie_id, 10, first, 1)
    viewer.report(movie_id, 20, first, 2, age_seconds=25)
    viewer.report(movie_id, 30)
    second = viewer.start(movie_id, "dash", take_over=True).session_id
    world.stop_stream(Report(viewer.user_id, movie_id, 40, second, 1, world.now, age_seconds=2.5))
    viewer.start(movie_id)
    world.pass_time(3600)
    world.end_abandoned_sessions(world.now, 60)
    world.pass_time(10)
    world.relay_outbox(60)

    published: dict[str, set[str]] = {topic: set() for topic in TOPICS}
    for message in world.kafka.messages:
        published[message.topic] |= set(json.loads(message.value))
    assert published == {topic: set(contract.described(topic)) for topic in TOPICS}
    reasons = {each.get("reason") for each in world.sent if each["action"] == "stream_stop"}
    assert reasons == {None, "taken_over", "abandoned"}


def test_foreign_messages_are_violations() -> None:
    """A message with a wrong key, field or value fails the tests that publish it."""
    topic, example = EVENTS[0]
    for key, value in (
        (str(uuid4()), example),
        (example["user_id"], {**example, "colour": "red"}),
        (example["user_id"], {**example, "device": "toaster"}),
        (example["user_id"], {**example, "event_id": "7"}),
        (example["user_id"], {**example, "timestamp": "2026-11-22T09:30:00Z"}),
        (example["user_id"], {**example, "action": "stream_stop"}),
    ):
        with pytest.raises(AssertionError, match="not as asyncapi"):
            contract.require(topic, key, value)


@pytest.mark.parametrize(("topic", "example"), EVENTS)
def test_extended_events_are_counted_as_before(topic: str, example: dict[str, Any]) -> None:
    """Unknown fields conform, and change nothing for the analytics."""
    extended = {**example, "bitrate": 4_000_000, "region": {"country": "DE"}, "tags": [None]}
    assert contract.violations(topic, extended) == []
    assert read(topic, extended) == read(topic, example)


@pytest.mark.parametrize(("topic", "example"), EVENTS)
def test_unknown_values_count_as_absent(topic: str, example: dict[str, Any]) -> None:
    """An unknown value of an extensible field conforms, and is read like an absent field."""
    extensible = [name for name, values in contract.described(topic).items() if values]
    newer = {**example, **dict.fromkeys(extensible, "hologram")}
    older = {name: value for name, value in example.items() if name not in extensible}
    assert contract.violations(topic, newer) == []
    assert read(topic, newer) == read(topic, older)


@pytest.mark.parametrize(("topic", "example"), EVENTS)
def test_events_of_older_producers_are_counted(topic: str, example: dict[str, Any]) -> None:
    """Without its optional fields a message conforms and is counted."""
    older = {name: value for name, value in example.items() if name not in optional(topic)}
    assert contract.violations(topic, older) == []
    assert str(read(topic, older).event_id) == example["event_id"]


@pytest.mark.parametrize("name", ["event_id", "user_id", "movie_id", "action", "timestamp"])
def test_incomplete_events_are_not_counted(name: str) -> None:
    """A message without what is counted does not conform, and is a dead letter."""
    for topic, example in EVENTS:
        incomplete = {field: value for field, value in example.items() if field != name}
        assert contract.violations(topic, incomplete)
        with pytest.raises(InvalidRecord, match=name):
            read(topic, incomplete)


def test_committed_events_conform() -> None:
    """The records in events/ are messages that conform, except those that show the opposite."""
    results = {True: 0, False: 0}
    for payload in ("analytics", "subscription_changed"):
        for record in records_of(event(payload)):
            try:
                value = record.json()
            except InvalidRecord:
                results[False] += 1
            else:
                results[contract.violations(record.topic, value) == []] += 1
    assert results[True] >= 4
    assert results[False] <= 2


def test_subscription_changes_are_read() -> None:
    """Described changes are processed, with unknown fields, too; others are skipped."""
    (example,) = contract.examples(CHANGES)
    extended = {**example, "user_id": str(uuid4()), "plan_id": "premium", "at": None}
    assert contract.violations(CHANGES, extended) == []
    assert contract.violations(CHANGES, {"plan_id": "premium"})
    values = [example, extended, {"plan_id": "premium"}]
    forget = MemoryEnvironment().forget_subscriptions
    assert forget(record_of(CHANGES, value) for value in values) == 2
