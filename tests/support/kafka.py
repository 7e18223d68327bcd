"""Reads topics with a consumer that is independent of the service."""

import base64
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streaming.events.records import KafkaRecord
from tests.support import event_contract

TOPICS = ("stream.start", "stream.progress", "stream.stop")

_CONSUMERS = 3
_SILENT_SECONDS = 15.0

Record = tuple[str, int, str, dict[str, Any]]
"""Topic, partition, key and event."""


def read_records(bootstrap_servers: str) -> list[Record]:
    """Return all messages in the topics, each partition oldest first."""
    return [
        (record.topic, record.partition, record.key.decode(), json.loads(record.value))
        for record in records(bootstrap_servers)
    ]


def events_of(bootstrap_servers: str, user_id: object) -> dict[str, list[dict[str, Any]]]:
    """Return the events of one user by topic, oldest first.

    Each must conform to the description of its topic.
    """
    found: dict[str, list[dict[str, Any]]] = {topic: [] for topic in TOPICS}
    for record in records(bootstrap_servers):
        if record.key == str(user_id).encode():
            value = json.loads(record.value)
            event_contract.require(record.topic, str(user_id), value)
            found[record.topic].append(value)
    return found


def users_by_topic(bootstrap_servers: str) -> dict[str, set[str]]:
    """Return the users of the events, by topic."""
    found: dict[str, set[str]] = {topic: set() for topic in TOPICS}
    for record in records(bootstrap_servers):
        found[record.topic].add(record.key.decode())
    return found


def await_events(
    bootstrap_servers: str,
    user_id: object,
    count: int,
    seconds: float = 20,
    topic: str | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Return the user's events as soon as there are ``count`` of them, in ``topic`` if given."""
    ends_at = time.monotonic() + seconds
    while True:
        found = events_of(bootstrap_servers, user_id)
        if sum(len(found[each]) for each in ([topic] if topic else found)) >= count:
            return found
        if time.monotonic() > ends_at:
            raise AssertionError(f"there are not {count} events but {found}")
        time.sleep(0.1)


def publish(bootstrap_servers: str, records: Sequence[KafkaRecord]) -> None:
    """Send records to their topics, with their keys and times, and to their partitions if any.

    Each has the user of its event as its key.
    """
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","))
    try:
        sent = []
        for each in records:
            value = base64.b64decode(each.value or "")
            key = str(json.loads(value)["user_id"]).encode()
            options = {"key": key, "partition": each.partition, "timestamp_ms": each.timestamp}
            sent.append(producer.send(each.topic, value, **options))
        for answer in sent:
            answer.get(20)
    finally:
        producer.close()


def records(
    bootstrap_servers: str, begin: Mapping[TopicPartition, int] = MappingProxyType({})
) -> Iterator[Any]:
    """Yield kafka-python's records of all messages in the topics, each partition oldest first.

    The records of a partition that is in ``begin`` begin at that offset. A consumer that gets
    nothing more before the end is replaced by another one. Raises ``TimeoutError`` if that gets
    nothing either.
    """
    positions = dict(begin)
    for _ in range(_CONSUMERS):
        is_complete = yield from _read(bootstrap_servers, positions)
        if is_complete:
            return
    raise TimeoutError(f"the topics cannot be read beyond {positions}")


def _read(
    bootstrap_servers: str, positions: dict[TopicPartition, int]
) -> Generator[Any, None, bool]:
    """Yield the records from ``positions`` on, which are moved; return whether these are all."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers.split(","), group_id=None)
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in TOPICS
            for partition in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        for partition, offset in positions.items():
            consumer.seek(partition, offset)
        ends = consumer.end_offsets(partitions)
        silent_since = time.monotonic()
        # The embedded broker names an offset within the last batch as the end.
        while any(
            consumer.position(each) < max(ends[each], consumer.highwater(each) or 0)
            for each in partitions
        ):
            for partition, polled in consumer.poll(timeout_ms=500).items():
                silent_since = time.monotonic()
                yield from polled
                positions[partition] = polled[-1].offset + 1
            if time.monotonic() - silent_since > _SILENT_SECONDS:
                return False
        return True
    finally:
        consumer.close()
