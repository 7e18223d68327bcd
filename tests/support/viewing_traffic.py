"""Invented viewing, as the events that the service would send, in the partitions of Kafka."""

import base64
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from streaming.domain import clock
from streaming.events.records import KafkaRecord

PARTITIONS = 2
BEGIN = datetime(2026, 10, 30, 21, 0, tzinfo=UTC)
"""Before midnight, and two days before the end of a month."""

DURATIONS: tuple[int | None, ...] = (600, 3600, 5400, 45, None)
DEVICES = ("desktop", "mobile", "tablet", "tv", "other", None)

Value = dict[str, Any]


def uuid_of(chance: random.Random, at: datetime | None = None) -> UUID:
    """Return a UUIDv7 of a time, or a UUIDv4, from the given random numbers."""
    if at is None:
        return UUID(int=chance.getrandbits(128), version=4)
    low = UUID(int=chance.getrandbits(128), version=4).int & (1 << 80) - 1
    return UUID(int=clock.milliseconds(at) << 80 | low & ~(0xF << 76) | 0x7 << 76)


@dataclass
class Traffic:
    """The values of the events, in the order of their times, and when each was sent.

    Traffic that follows other traffic continues its ``offsets``.
    """

    chance: random.Random
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    sent: list[tuple[datetime, str, Value]] = field(default_factory=list)

    def send(self, action: str, at: datetime, late: float = 0.0, **fields: Any) -> None:
        """Send an event of ``at``; it is late by some seconds."""
        value = {
            "event_id": str(uuid_of(self.chance, at)),
            "action": f"stream_{action}",
            "timestamp": clock.iso(at),
            "session_id": None,
            "position_seconds": None,
            "sequence": None,
            **fields,
        }
        self.sent.append((at + timedelta(seconds=late), action, value))

    def records(self, *, altered: bool = False) -> list[KafkaRecord]:
        """Return all records; those of a partition are in order. Some are repeated later.

        If ``altered``, repeats have other times: a player that repeats a report sends it later.
        """
        self.sent.sort(key=lambda sent: sent[0])
        repeated = [
            (
                at + timedelta(seconds=self.chance.choice((1, 60, 90_000))),
                action,
                _later(value) if altered else value,
            )
            for at, action, value in self.sent
            if self.chance.random() < 0.1
        ]
        made = []
        for at, action, value in sorted([*self.sent, *repeated], key=lambda sent: sent[0]):
            topic, partition = f"stream.{action}", UUID(value["user_id"]).int % PARTITIONS
            offset = self.offsets.get((topic, partition), 0)
            self.offsets[topic, partition] = offset + 1
            made.append(record(topic, partition, offset, json.dumps(value).encode(), at))
        return made

    @property
    def values(self) -> list[Value]:
        """The values of all events, each once."""
        return [value for _, _, value in self.sent]


def _later(value: Value) -> Value:
    at = clock.parse_iso(value["timestamp"]) + timedelta(seconds=1)
    return {**value, "timestamp": clock.iso(at)}


def record(topic: str, partition: int, offset: int, value: bytes, at: datetime) -> KafkaRecord:
    """Return a record that was sent at a time."""
    text = base64.b64encode(value).decode()
    return KafkaRecord(topic, partition, offset, text, None, clock.milliseconds(at))


def traffic(seed: int, viewers: int = 8, sittings: int = 30, begin: datetime = BEGIN) -> Traffic:
    """Return the traffic of a few days: each viewer watches some films, in odd ways."""
    chance = random.Random(seed)
    made = Traffic(chance)
    films = [(uuid_of(chance), duration) for duration in DURATIONS]
    users = [uuid_of(chance) for _ in range(viewers)]
    add_sittings(made, users, films, sittings, begin)
    return made


def add_sittings(
    made: Traffic,
    users: Sequence[UUID],
    films: Sequence[tuple[UUID, int | None]],
    count: int,
    begin: datetime,
) -> None:
    """Let users sit down to films ``count`` times in ten days; films have their durations."""
    chance = made.chance
    for _ in range(count):
        at = begin + timedelta(seconds=chance.choice((1, 1, 24, 60)) * chance.uniform(0, 14_400))
        _sitting(made, chance.choice(users), *chance.choice(films), at)


def _sitting(made: Traffic, user: UUID, film: UUID, duration: int | None, at: datetime) -> None:
    """Let a viewer watch a film, in one session or several."""
    chance = made.chance
    who: Value = {"user_id": str(user), "movie_id": str(film)}
    position = chance.choice((0, 0, chance.randrange(duration or 4000)))
    for _ in range(chance.choice((1, 1, 2, 3))):
        at, position = _session(made, who, duration, at, position)
        # A reload follows soon; a second evening later.
        at += timedelta(seconds=chance.choice((1, 5, 1700, 1900, 86_000)))
    if chance.random() < 0.3:
        for _ in range(chance.randrange(6)):
            at += timedelta(seconds=10)
            made.send("progress", at, **who, position_seconds=chance.randrange(600))


def _session(
    made: Traffic, who: Value, duration: int | None, at: datetime, position: int
) -> tuple[datetime, int]:
    chance = made.chance
    session: Value = {**who, "session_id": str(uuid_of(chance, at))}
    details: Value = {"manifest_type": chance.choice(("hls", "dash"))}
    if duration is not None:
        details["duration_seconds"] = duration
    if (device := chance.choice(DEVICES)) is not None:
        details["device"] = device
    late = chance.choice((0.0, 0.0, 0.0, 45.0, 90_000.0))
    described: Value = session | (details if chance.random() < 0.9 else {})
    made.send("start", at, late, **described)
    last = (duration or 4000) + 20
    for sequence in range(chance.choice((0, 2, 5, 40, 90))):
        step = chance.choice((10, 10, 10, 10, 10.4, 9.9, 31, 0, 700))
        at += timedelta(seconds=step)
        movement = chance.random()
        if movement < 0.8:
            position = min(last, position + int(step))
        elif movement < 0.9:
            position = chance.randrange(last)
        report = {**session, "position_seconds": position, "sequence": sequence}
        if chance.random() < 0.05:
            report["age_seconds"] = chance.choice((0.5, 25, 4000))
        made.send("progress", at, chance.choice((0, 0, 0, 0, 13, 3600)), **report)
    end = chance.choice(("stop", "abandoned", "taken_over", "nothing", "reopened"))
    if end == "stop":
        at += timedelta(seconds=chance.choice((0, 4)))
        made.send("stop", at, **session, position_seconds=min(last, position + 4))
    elif end != "nothing":
        reason = "abandoned" if end == "reopened" else end
        made.send("stop", at, 60, **session, position_seconds=position, reason=reason)
    if end == "reopened":
        at += timedelta(seconds=chance.choice((20, 4000)))
        made.send("progress", at, **session, position_seconds=min(last, position + 10))
    return at, position


def batches(
    records: list[KafkaRecord], chance: random.Random, most: int = 60
) -> list[list[KafkaRecord]]:
    """Return batches as Lambda may deliver them: partitions in any order, some batches repeated."""
    waiting: dict[tuple[str, int], list[KafkaRecord]] = {}
    for each in records:
        waiting.setdefault((each.topic, each.partition), []).append(each)
    delivered: list[list[KafkaRecord]] = []
    while waiting:
        batch: list[KafkaRecord] = []
        for name in chance.sample(sorted(waiting), chance.randint(1, len(waiting))):
            size = chance.randint(1, most)
            batch += waiting[name][:size]
            waiting[name] = waiting[name][size:]
            if not waiting[name]:
                del waiting[name]
        delivered.append(batch)
        if chance.random() < 0.2:
            delivered.append(chance.choice(delivered))
    return delivered
