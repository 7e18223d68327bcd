"""All messages that Kafka ever accepted: the embedded broker loses them when it is killed."""

import json
import threading
from typing import Any

from kafka import TopicPartition

from tests.histories.evidence import Event
from tests.support import event_contract
from tests.support.kafka import records

Place = tuple[int, TopicPartition]
"""A partition, and which life of the broker it belongs to."""


class KafkaLog:
    """Reads the topics from the broker at ``port``, past any proxy. Safe to use from threads."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._life = 0
        self._is_running = True
        self._records: dict[Place, list[Any]] = {}
        self._lock = threading.Lock()

    def read(self) -> None:
        """Read the messages that the broker accepted since the last time."""
        with self._lock:
            self._read()

    def turn_page(self) -> None:
        """Read the last messages; the broker is not asked any more until `resume`."""
        with self._lock:
            self._read()
            self._life += 1
            self._is_running = False

    def resume(self) -> None:
        """Read from a broker that was restarted, empty."""
        with self._lock:
            self._is_running = True

    def _read(self) -> None:
        if not self._is_running:
            return
        known = {
            partition: len(found)
            for (life, partition), found in self._records.items()
            if life == self._life
        }
        for record in records(f"127.0.0.1:{self._port}", known):
            place = (self._life, TopicPartition(record.topic, record.partition))
            self._records.setdefault(place, []).append(record)

    @property
    def records(self) -> dict[Place, list[Any]]:
        """kafka-python's records that were read so far, in the order of the broker's lives."""
        with self._lock:
            return {place: list(found) for place, found in sorted(self._records.items())}

    @property
    def events(self) -> tuple[Event, ...]:
        """The messages read so far, which conform to their description, each partition in order."""
        return tuple(_event(record) for found in self.records.values() for record in found)


def _event(record: Any) -> Event:
    key = record.key.decode() if record.key else ""
    value = json.loads(record.value)
    event_contract.require(record.topic, key, value)
    return Event(record.topic, key, value)
