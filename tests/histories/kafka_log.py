"""Everything that Kafka has ever taken, over its kills: the embedded broker forgets with each."""

import json
from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition

from tests.histories.evidence import Event
from tests.support.kafka import TOPICS


class KafkaLog:
    """Reads the topics from the broker at ``port``, past any proxy."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lives: list[list[Event]] = [[]]

    def read(self) -> None:
        """Read what the broker holds now."""
        self._lives[-1] = list(_records(self._port))

    def turn_page(self) -> None:
        """Keep what was read: the broker begins anew."""
        self._lives.append([])

    @property
    def events(self) -> tuple[Event, ...]:
        """What was read so far, each partition in its order."""
        return tuple(event for life in self._lives for event in life)


def _records(port: int) -> Iterator[Event]:
    consumer = KafkaConsumer(bootstrap_servers=f"127.0.0.1:{port}", group_id=None)
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in TOPICS
            for partition in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    key = record.key.decode() if record.key else ""
                    yield Event(record.topic, key, json.loads(record.value))
    finally:
        consumer.close()
