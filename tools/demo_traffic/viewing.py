"""How invented viewers watch: when, what, on which device, which parts, and how they leave.

The same seed and the same day give the same events with the same ids, so a repeated run adds only
what has happened since.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from uuid import UUID

from local.demo_catalogue import CATALOGUE, TrafficFilm
from streaming.domain import clock
from streaming.domain.devices import Device
from streaming.domain.films import ManifestType
from streaming.domain.identifiers import first_uuid7
from streaming.domain.progress import Report
from streaming.events.event import StreamEvent

DAYS = 7
REPORT_SECONDS = 10

# The share of each hour, in UTC: few at night, a rise at noon, most in the evening.
HOURS = (4, 2, 1, 1, 1, 1, 2, 3, 4, 4, 5, 6, 8, 7, 6, 6, 7, 10, 15, 21, 25, 22, 15, 8)
# Monday to Sunday.
WEEKDAYS = (0.85, 0.8, 0.85, 0.9, 1.15, 1.35, 1.3)
_DEVICE_SHARES = {"desktop": 26, "mobile": 38, "tablet": 9, "tv": 25, "other": 2}
DEVICES: tuple[Device, ...] = get_args(Device)


@dataclass(frozen=True)
class Viewer:
    """A user, the device, and the manifest type that it plays."""

    user_id: UUID
    device: Device
    manifest_type: ManifestType


def week(seed: int, today: date, viewings: int) -> list[StreamEvent]:
    """Return the events of ``today`` and the days before it, in the order of their times.

    ``viewings`` is the average number of sittings in seven days.
    """
    viewers = _viewers(seed, max(8, viewings // 3))
    events: list[StreamEvent] = []
    for back in range(DAYS, -1, -1):
        day = today - timedelta(days=back)
        chance = random.Random(f"{seed}:{day}")  # noqa: S311 - must be repeatable
        for _ in range(round(viewings / DAYS * WEEKDAYS[day.weekday()])):
            events += _sitting(chance, chance.choice(viewers), day)
    return sorted(events, key=lambda event: (event.timestamp, event.event_id))


def _viewers(seed: int, count: int) -> Sequence[Viewer]:
    chance = random.Random(seed)  # noqa: S311 - must be repeatable
    weights = [_DEVICE_SHARES[device] for device in DEVICES]
    made = []
    for _ in range(count):
        device = chance.choices(DEVICES, weights)[0]
        dash = {"tv": 0.7, "desktop": 0.4}.get(device, 0.1)
        manifest_type: ManifestType = "dash" if chance.random() < dash else "hls"
        made.append(Viewer(_uuid4(chance), device, manifest_type))
    return made


def _sitting(chance: random.Random, viewer: Viewer, day: date) -> Iterator[StreamEvent]:
    """Yield what a viewer does in one sitting: a session, and sometimes a reload of the page."""
    hour = chance.choices(range(24), HOURS)[0]
    at = datetime.combine(day, time(hour), UTC) + timedelta(seconds=chance.uniform(0, 3600))
    film = chance.choices(CATALOGUE, [each.popularity for each in CATALOGUE])[0]
    resumes = chance.random() < 0.15
    position = int(film.duration_seconds * chance.uniform(0.1, 0.6)) if resumes else 0
    session = _Session(chance, viewer, film, at, position)
    yield from session.events()
    if chance.random() < 0.07:
        again = session.at + timedelta(seconds=chance.uniform(2, 20))
        yield from _Session(chance, viewer, film, again, session.position).events()


class _Session:
    """One session; ``at`` and ``position`` are where it is now."""

    def __init__(
        self,
        chance: random.Random,
        viewer: Viewer,
        film: TrafficFilm,
        at: datetime,
        position: int,
    ) -> None:
        self.at, self.position = at, position
        self._chance, self._viewer, self._film = chance, viewer, film
        self._movie_id = UUID(film.movie_id)
        self._id = _uuid7(chance, at)
        self._sequence = 0

    def events(self) -> Iterator[StreamEvent]:
        """Yield the session's events."""
        chance, film = self._chance, self._film
        yield StreamEvent(
            event_id=_uuid7(chance, self.at),
            action="stream_start",
            user_id=self._viewer.user_id,
            movie_id=self._movie_id,
            timestamp=self.at,
            session_id=self._id,
            manifest_type=self._viewer.manifest_type,
            duration_seconds=film.duration_seconds,
            device=self._viewer.device,
        )
        leaves_at = max(self.position, int(_leaves_at(chance, film) * film.duration_seconds))
        # Viewers go back when a scene is over, not all at the same second.
        scenes = [
            int((scene + chance.uniform(0, 0.03)) * film.duration_seconds) for scene in film.scenes
        ]
        while self.position < leaves_at:
            step = min(REPORT_SECONDS, leaves_at - self.position)
            before = self.position
            self.at += timedelta(seconds=step)
            self.position += step
            yield self._report()
            if any(before < scene <= self.position for scene in scenes) and chance.random() < 0.35:
                yield self._seek(
                    back=max(5, int(film.duration_seconds * chance.uniform(0.01, 0.06)))
                )
            elif chance.random() < 0.004:
                self.at += timedelta(seconds=chance.uniform(40, 600))
                yield self._report()  # the position after a pause, in which it did not change
        yield self._end()

    def _report(self) -> StreamEvent:
        self._sequence += 1
        return StreamEvent.of_progress(self._now(self._sequence), self._id)

    def _seek(self, back: int) -> StreamEvent:
        self.at += timedelta(seconds=0.5)
        self.position = max(0, self.position - back)
        return self._report()

    def _end(self) -> StreamEvent:
        """Return the end: most players stop the session, others disappear."""
        event_id = _uuid7(self._chance, self.at)
        if self._chance.random() < 0.92:
            return StreamEvent.of_stop(self._now(None), self._id, event_id)
        return StreamEvent(
            event_id=event_id,
            action="stream_stop",
            user_id=self._viewer.user_id,
            movie_id=self._movie_id,
            timestamp=self.at + timedelta(seconds=90),
            session_id=self._id,
            position_seconds=self.position,
            reason="abandoned",
        )

    def _now(self, sequence: int | None) -> Report:
        return Report(
            user_id=self._viewer.user_id,
            movie_id=self._movie_id,
            position_seconds=self.position,
            session_id=self._id,
            sequence=sequence,
            reported_at=self.at,
        )


def _leaves_at(chance: random.Random, film: TrafficFilm) -> float:
    """Return the share of the film at which a viewer leaves: early, midway or in the credits."""
    if chance.random() < 0.08:
        return chance.uniform(0.002, 0.03)
    # Viewers leave at a constant rate, so the share of those at the half is the film's patience.
    left: float = 0.5
    while chance.random() < film.patience:
        left += 0.5
        if left > 1:
            return chance.uniform(0.94, 1.0)
    return left - 0.5 + chance.uniform(0.0, 0.5)


def _uuid4(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)


def _uuid7(chance: random.Random, at: datetime) -> UUID:
    """Return a UUIDv7 of a time, whose random bits the seed determines."""
    low = _uuid4(chance).int & (1 << 76) - 1
    return UUID(int=first_uuid7(clock.milliseconds(at)).int | low)
