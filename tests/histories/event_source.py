"""The event source of functions/analytics in a history: it delivers what Kafka accepted.

As Lambda does, it repeats a batch until the function has succeeded, then continues after it. It may
also deliver a batch twice, at the same time or later, and go back to earlier offsets.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from local.gateway.kafka_sources import event
from local.gateway.model import KafkaSource
from tests.histories.environments import Died
from tests.histories.kafka_log import KafkaLog, Place
from tests.histories.operations import Json
from tests.histories.recorder import Invokes
from tests.support.kafka import TOPICS

_EVERY_SECONDS = 0.2
_TWICE = 0.15
_LONGEST_SECONDS = 90.0


class EventSource:
    """Delivers the records that Kafka accepts from now on, in batches.

    ``deaths`` has for each delivery the step at which its process is killed, if it is. A batch has
    at most ``most`` records of each partition.
    """

    def __init__(
        self,
        log: KafkaLog,
        functions: Invokes,
        random: Random,
        deaths: Iterator[int | None],
        most: int = 60,
    ) -> None:
        log.read()
        self._log = log
        self._functions = functions
        self._random = random
        self._deaths = deaths
        self._most = most
        self._begin = {place: len(records) for place, records in log.records.items()}
        self._next = dict(self._begin)
        self._rewind_to: float | None = None
        self._source = KafkaSource("analytics", "analytics", ("127.0.0.1",), TOPICS)
        self.died_at: set[int] = set()

    def run(self, is_over: threading.Event) -> None:
        """Deliver batches until ``is_over``."""
        while not is_over.wait(_EVERY_SECONDS):
            self._log.read()
            self._deliver_next()

    def drain(self) -> None:
        """Deliver all that is left."""
        self._log.read()
        while self._deliver_next():
            continue

    def rewind(self, share: float) -> None:
        """Go back to earlier offsets before the next batch: to this share of those so far."""
        self._rewind_to = share

    @property
    def records(self) -> list[Any]:
        """All records that it has to deliver, those of a partition in order."""
        return [
            record
            for place, records in self._log.records.items()
            for record in records[self._begin.get(place, 0) :]
        ]

    def _deliver_next(self) -> bool:
        """Deliver one batch, if there are records; return whether there were."""
        if (share := self._rewind_to) is not None:
            self._rewind_to = None
            for place, position in self._next.items():
                begin = self._begin.get(place, 0)
                self._next[place] = begin + int(share * (position - begin))
        waiting = {
            place: records[self._next.get(place, 0) :]
            for place, records in self._log.records.items()
            if len(records) > self._next.get(place, 0)
        }
        if not waiting:
            return False
        taken = self._some_of(waiting)
        payload = event(self._source, [each for records in taken.values() for each in records])
        self._insist(payload)
        if self._random.random() < _TWICE:
            self._insist(payload)
        for place, records in taken.items():
            self._next[place] = self._next.get(place, 0) + len(records)
        return True

    def _some_of(self, waiting: dict[Place, list[Any]]) -> dict[Place, list[Any]]:
        """Return the first records of some partitions, all of one life of the broker."""
        life = min(life for life, _ in waiting)
        places = [place for place in waiting if place[0] == life]
        chosen = self._random.sample(places, self._random.randint(1, len(places)))
        return {place: waiting[place][: self._random.randint(1, self._most)] for place in chosen}

    def _insist(self, payload: Json) -> None:
        """Repeat a batch until the function has succeeded."""
        gives_up_at = time.monotonic() + _LONGEST_SECONDS
        while True:
            failure = self._attempt(payload)
            if failure is None:
                return
            assert time.monotonic() < gives_up_at, f"a batch is stuck: {failure}"
            time.sleep(_EVERY_SECONDS)

    def _attempt(self, payload: Json) -> str | None:
        """Deliver a batch, perhaps to two processes at once; return why it failed."""
        step = next(self._deaths)
        if self._random.random() >= _TWICE:
            return self._invoke(payload, step)
        with ThreadPoolExecutor(1) as second:
            other = second.submit(self._invoke, payload, None)
            failure = self._invoke(payload, step)
            return failure or other.result()

    def _invoke(self, payload: Json, die_at_step: int | None) -> str | None:
        try:
            return self._functions.invoke("analytics", payload, die_at_step).get("error")
        except Died as death:
            if die_at_step is not None:
                self.died_at.add(die_at_step)
            return str(death)
