"""The real handlers publish and read messages as docs/events/asyncapi.yaml describes them."""

import base64
import json
from typing import Any
from uuid import UUID, uuid4

from redis import Redis

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import set_subscription
from tests.support import event_contract as contract
from tests.support.functions import Json, Viewer, event, invoke
from tests.support.kafka import TOPICS, await_events


def batch_of(values: dict[str, list[Any]]) -> Json:
    """Return Lambda's payload for new records of topics."""
    sent_ms = clock.milliseconds(clock.now())
    records = {
        f"{topic}-0": [
            {
                "topic": topic,
                "partition": 0,
                "offset": offset,
                "timestamp": sent_ms,
                "timestampType": "CREATE_TIME",
                "value": base64.b64encode(json.dumps(value).encode()).decode(),
                "headers": [],
            }
            for offset, value in enumerate(of_topic)
        ]
        for topic, of_topic in values.items()
    }
    return {**event("analytics"), "records": records}


def test_what_is_published_can_be_counted(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """Each message of the API conforms; the analytics count it, and repeats and extended ones."""
    set_subscription(stack, viewer.user_id, max_streams=1)
    first = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 10, session_id=first, sequence=1)
    viewer.report(movie_id, 20, session_id=first, sequence=2, age_seconds=25)
    viewer.report(movie_id, 30)
    second = viewer.start(movie_id, {"manifest_type": "dash", "take_over": True})
    viewer.stop(movie_id, 40, session_id=second.json["session_id"])

    published = await_events(stack.kafka.bootstrap_servers, viewer.user_id, 7)

    for topic in TOPICS:
        for value in published[topic]:
            contract.require(topic, str(viewer.user_id), value)
    assert {topic: len(published[topic]) for topic in TOPICS} == {
        "stream.start": 2,
        "stream.progress": 3,
        "stream.stop": 2,
    }
    reasons = sorted(str(each.get("reason")) for each in published["stream.stop"])
    assert reasons == ["None", "taken_over"]
    assert invoke("analytics", batch_of(published)) == {"events": 7, "dead_letters": 0}
    extended = {
        topic: [{**value, "bitrate": 4_000_000} for value in values]
        for topic, values in published.items()
    }
    assert invoke("analytics", batch_of(extended)) == {"events": 7, "dead_letters": 0}


def test_old_and_invalid_events(stack: Stack, environment: dict[str, str]) -> None:
    """Messages without optional fields are counted; those that do not conform are dead letters."""
    example = contract.examples("stream.start")[0]
    now = clock.now()
    oldest = {
        **{name: example[name] for name in contract.required("stream.start")},
        "event_id": str(uuid4()),
        "user_id": str(uuid4()),
        "movie_id": str(uuid4()),
        "timestamp": clock.iso(now),
        "session_id": str(UUID(int=(clock.milliseconds(now) << 80) | (7 << 76) | (2 << 62) | 7)),
    }
    invalid = {**oldest, "event_id": "7"}
    assert contract.violations("stream.start", oldest) == []
    assert contract.violations("stream.start", invalid)

    counted = invoke("analytics", batch_of({"stream.start": [oldest, invalid]}))

    assert counted == {"events": 1, "dead_letters": 1}


def test_subscription_changes(viewer: Viewer, movie_id: UUID, redis: Redis) -> None:
    """A described message with unknown fields deletes the cached subscription."""
    viewer.start(movie_id)
    assert redis.exists(f"subscription:{viewer.user_id}")
    change = {"user_id": str(viewer.user_id), "plan_id": "premium"}
    assert contract.violations("subscription.changed", change) == []

    assert invoke("subscription_changed", batch_of({"subscription.changed": [change]})) == {
        "forgotten": 1
    }

    assert not redis.exists(f"subscription:{viewer.user_id}")
