"""The clients' actions and the servers' faults in a history, all derived from one seed.

Threads and servers determine how they interleave, so a seed repeats the plan but not the exact
timing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.histories.operations import Call

DURATION_SECONDS = 100_000
"""The length of the films: sufficient for a unique position in each report."""

FILMS = 3
"""The number of films."""

# A call that connects first takes this many steps; a warm one takes fewer, and survives.
_MOST_STEPS = 60

_FAULTS = (
    ("kill an environment", 8),
    ("kill postgres", 2),
    ("kill redis", 2),
    ("kill kafka", 2),
    ("kill user_service", 1),
    ("cut postgres", 3),
    ("lose postgres", 4),
    ("cut redis", 2),
    ("refuse redis", 2),
    ("part redis", 2),
    ("restore redis", 2),
    ("replace redis", 2),
    ("cut kafka", 2),
    ("stall postgres", 3),
    ("stall redis", 2),
    ("stall kafka", 1),
    ("silence", 2),
    ("rewind analytics", 3),
)


@dataclass(frozen=True, slots=True)
class Slot:
    """The name under which a device stores the session of its start number ``start``."""

    device: int
    start: int


@dataclass(frozen=True, slots=True)
class Act:
    """The next action of a device.

    ``pause`` is the wait before it in seconds, ``tries`` the maximum number of attempts of the
    same request until there is a response. ``slot`` and ``sequence`` give the report its place. A
    player whose name ``is_garbled`` sends bytes that are no valid text. With ``die_at_step`` the
    process of the first attempt is killed at that step. ``key`` is the Idempotency-Key of a start,
    which may be one that ``takes_over``.
    """

    call: Call
    pause: float
    tries: int
    film: int = 0
    position: int | None = None
    slot: Slot | None = None
    sequence: int | None = None
    is_garbled: bool = False
    die_at_step: int | None = None
    key: str | None = None
    takes_over: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A client of ``user``, both by number."""

    user: int
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault after ``pause`` seconds, for ``seconds`` if it lasts.

    ``choice``, 0 to 1, selects the target.
    """

    what: str
    pause: float
    seconds: float
    choice: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a whole history.

    ``limits`` are the users' stream limits. ``consumer_deaths`` is the share of batches whose
    consumer is killed; without it nothing consumes the events.
    """

    seed: int
    limits: tuple[int | None, ...]
    devices: tuple[Device, ...]
    faults: tuple[Fault, ...]
    consumer_deaths: float | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a plan.

    ``deaths`` is the share of calls whose process is killed, ``consumer_deaths`` that of batches.
    """

    users: int = 4
    devices_per_user: int = 2
    views_per_device: int = 3
    reports_per_view: int = 6
    faults: int = 8
    deaths: float = 0.0
    consumer_deaths: float | None = 0.3


def plan(seed: int, size: Size = Size()) -> Plan:
    """Return the plan of that seed."""
    random = Random(seed)
    positions = iter(random.sample(range(1, DURATION_SECONDS), 50_000))
    devices = [
        Device(
            number // size.devices_per_user,
            tuple(
                replace(act, die_at_step=_death(random, size.deaths))
                for act in _acts(random, number, size, positions)
            ),
        )
        for number in range(size.users * size.devices_per_user)
    ]
    names, weights = zip(*_FAULTS, strict=True)
    faults = [
        Fault(what, random.uniform(0.1, 1.2), random.uniform(0.1, 1.3), random.random())
        for what in random.choices(names, weights, k=size.faults)
    ]
    limits = tuple(random.choice((None, None, 1, 2)) for _ in range(size.users))
    return Plan(seed, limits, tuple(devices), tuple(faults), size.consumer_deaths)


def _acts(random: Random, device: int, size: Size, positions: Iterator[int]) -> Iterator[Act]:
    for start in range(size.views_per_device):
        film = random.randrange(FILMS)
        slot = Slot(device, start)
        begin = Act(
            "start",
            _pause(random),
            random.choice((1, 4, 8)),
            film,
            slot=slot,
            is_garbled=random.random() < 0.2,
            key=f"{device}/{start}" if random.random() < 0.5 else None,
            takes_over=random.random() < 0.3,
        )
        yield begin
        for act in _reports(random, film, slot, size.reports_per_view, positions):
            yield act
            if random.random() < 0.4:
                yield Act("get", _pause(random), random.choice((1, 3)), film)
        if random.random() < 0.4:
            yield Act("continue", _pause(random), 2)
        if random.random() < 0.8:
            yield from _stops(random, film, slot, size.reports_per_view, positions)
            yield Act("get", _pause(random), 3, film)
        if begin.key is not None and random.random() < 0.6:
            # Long after its response, and usually after its session has ended.
            yield replace(begin, pause=_pause(random), slot=None)
        if random.random() < 0.3:
            # A session of another user, or of another film.
            foreign = Slot(random.randrange(size.users * size.devices_per_user), 0)
            yield Act("report", _pause(random), 2, film, next(positions), foreign, 1)


def _reports(
    random: Random, film: int, slot: Slot, count: int, positions: Iterator[int]
) -> Iterator[Act]:
    """Yield the reports of one view: usually in order, some late, repeated, or without order."""
    reports = []
    for sequence in range(1, count + 1):
        manner = random.random()
        place = (
            (slot, sequence) if manner < 0.7 else (slot, None) if manner < 0.85 else (None, None)
        )
        tries = random.choice((1, 3, 6))
        reports.append(
            Act("report", _pause(random), tries, film, next(positions), place[0], place[1])
        )
    for index in range(len(reports) - 1):
        if random.random() < 0.25:
            reports[index], reports[index + 1] = reports[index + 1], reports[index]
    for report in reports:
        yield report
        if random.random() < 0.2:
            yield report


def _stops(
    random: Random, film: int, slot: Slot, count: int, positions: Iterator[int]
) -> Iterator[Act]:
    """Yield the stop of a view, sometimes repeated, sometimes without its session."""
    manner = random.random()
    place: tuple[Slot | None, int | None] = (slot, count + 1)
    if manner > 0.6:
        place = (slot, None) if manner < 0.8 else (None, None)
    stop = Act("stop", _pause(random), random.choice((1, 4, 8)), film, next(positions), *place)
    yield stop
    if random.random() < 0.3:
        yield stop
    if random.random() < 0.3:
        yield Act("report", _pause(random), 2, film, next(positions), slot, count + 2)


def _pause(random: Random) -> float:
    return random.choice((0.0, 0.0, 0.02, 0.1, 0.4)) * random.random()


def _death(random: Random, share: float) -> int | None:
    return random.randrange(1, _MOST_STEPS) if random.random() < share else None
