"""Checks the figures: what was acknowledged is counted once, and what Kafka has equals them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from streaming.domain.identifiers import milliseconds_of
from streaming.domain.viewing import DAY_MS, day_of
from tests.histories.evidence import Counted, Evidence
from tests.histories.identifiers import short
from tests.histories.operations import History, Operation
from tests.histories.violation import Violation
from tests.support.viewing_database import all_figures, different
from tests.support.viewing_figures import Figures

FilmAndDay = tuple[str, str]


def judge_figures(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Yield the violations by figures, if the history has any."""
    counted = evidence.counted
    if counted is None:
        return
    for letter in counted.dead_letters:
        yield Violation("every event can be counted", letter)
    yield from _judge_computation(counted)
    # What waits in the outbox was not delivered yet.
    waiting = {event.session_id for event in evidence.outbox}
    yield from _judge_starts(history, counted, waiting)
    yield from _judge_ends(history, evidence, counted, waiting)


def _judge_computation(counted: Counted) -> Iterator[Violation]:
    """The figures equal those that DuckDB computes from all events in Kafka."""
    expected = all_figures(Figures(counted.events), counted.ranges)
    for name, rows in expected.items():
        if difference := different(counted.tables[name], rows):
            what = f"{name}: {difference}"
            yield Violation("the figures are those of the events", what)


def _judge_starts(
    history: History, counted: Counted, waiting: set[str | None]
) -> Iterator[Violation]:
    """Each acknowledged start is one session, in the session's row and in its film's day."""
    acknowledged: dict[FilmAndDay, set[str]] = defaultdict(set)
    for operation in history.operations:
        session_id = operation.session_told
        if operation.call != "start" or session_id is None or session_id in waiting:
            continue
        acknowledged[str(operation.movie_id), _day_of(session_id)].add(session_id)
        starts, _ = counted.sessions.get(session_id, (0, 0))
        if starts != 1:
            yield _miscounted(operation, session_id, "start", starts)
    started: dict[FilmAndDay, set[str]] = defaultdict(set)
    for event in counted.events:
        if event["action"] == "stream_start":
            started[event["movie_id"], _day_of(event["session_id"])].add(event["session_id"])
    figures = _sessions_by_day(counted.tables["days"])
    for day, session_ids in acknowledged.items():
        expected, found = len(session_ids | started[day]), figures.get(day, 0)
        if found != expected:
            what = f"{day} has {found} sessions instead of {expected}"
            yield Violation("an acknowledged start is counted once", what)


def _judge_ends(
    history: History, evidence: Evidence, counted: Counted, waiting: set[str | None]
) -> Iterator[Violation]:
    """Each acknowledged end of a session is counted as often as the session has ended."""
    ends: dict[str | None, set[str]] = defaultdict(set)
    for event in evidence.published:
        if event.value["action"] == "stream_stop":
            ends[event.session_id].add(event.event_id)
    for operation in history.operations:
        session_id = operation.session_told
        if operation.call != "stop" or session_id is None or session_id in waiting:
            continue
        _, found = counted.sessions.get(session_id, (0, 0))
        if not found or found != len(ends[session_id]):
            yield _miscounted(operation, session_id, "end", found)


def _miscounted(operation: Operation, session_id: str, what: str, found: int) -> Violation:
    return Violation(
        f"an acknowledged {what} is counted once",
        f"#{operation.number} was acknowledged, and session {short(session_id)} has {found}",
        (operation,),
    )


def _day_of(session_id: str) -> str:
    return str(day_of(milliseconds_of(UUID(session_id)) // DAY_MS))


def _sessions_by_day(days: list[tuple[Any, ...]]) -> Mapping[FilmAndDay, int]:
    return {(movie_id, day): value for movie_id, day, name, value in days if name == "sessions"}
