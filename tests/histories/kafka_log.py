"""All messages that Kafka ever accepted: the embedded broker loses them when it is killed."""

import json
from typing import Any

from tests.histories.evidence import Event
from tests.support import event_contract
from tests.support.kafka import records


class KafkaLog:
    """Reads the topics from the broker at ``port``, past any proxy."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lives: list[list[Event]] = [[]]

    def read(self) -> None:
        """Read the broker's current messages, which must conform to their description."""
        self._lives[-1] = [_event(each) for each in records(f"127.0.0.1:{self._port}")]

    def turn_page(self) -> None:
        """Keep the messages read so far, because the broker is restarted empty."""
        self._lives.append([])

    @property
    def events(self) -> tuple[Event, ...]:
        """The messages read so far, each partition in its order."""
        return tuple(event for life in self._lives for event in life)


def _event(record: Any) -> Event:
    key = record.key.decode() if record.key else ""
    value = json.loads(record.value)
    event_contract.require(record.topic, key, value)
    return Event(record.topic, key, value)
