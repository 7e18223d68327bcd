"""Checks positions and sessions: searches for an order of calls that explains the observations."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf

from tests.histories.evidence import Evidence, FilmOfUser, SessionRow
from tests.histories.linearizability import (
    Moment,
    Step,
    TooComplex,
    explain,
    first_unexplained,
    states_before,
)
from tests.histories.model import Film
from tests.histories.operations import Disturbance, History, Operation
from tests.histories.shortest import shortest
from tests.histories.steps import (
    Traces,
    ended_by_the_service,
    likely_steps_of,
    possible_steps_of,
)
from tests.histories.violation import Violation

_COMPLETED_AT = 0.9
# CONTINUE_WATCHING_MIN_SECONDS; the films of histories are long.
_BEGUN_AT_SECONDS = 30

# The time that a look-up waits for PostgreSQL; after a failure it skips PostgreSQL for a shorter
# time.
_STAND_IN_SECONDS = 1.5

# How long a position may be hidden behind an older one in Redis after it was acknowledged.
_HIDDEN_SECONDS = 5.0
# A call that began during a fault of Redis, or while Redis was skipped afterwards, may be
# acknowledged this much later.
_AFTER_A_FAULT_SECONDS = 5.0


def judge_records(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Yield the violations in the record of each film of each user."""
    films = {
        (operation.user_id, operation.movie_id)
        for operation in history.operations
        if operation.movie_id is not None
    }
    for film in sorted(films):
        yield from _judge(history, evidence, film)
    for stray in sorted(evidence.progress.keys() - films):
        yield Violation("a record is of its own user and film", f"nobody reported {stray}")


def _judge(history: History, evidence: Evidence, film: FilmOfUser) -> Iterator[Violation]:
    """Search for a likely explanation, and if there is none for any possible one."""
    try:
        violations = list(_judge_steps(history, evidence, film, likely_steps_of))
    except TooComplex as limit:
        warnings.warn(f"seed {history.seed}: a film is not checked, {limit}", stacklevel=2)
        return
    if violations:
        try:
            violations = list(_judge_steps(history, evidence, film, possible_steps_of))
        except TooComplex as limit:
            yield Violation("the search ends", f"{limit}; what follows may be possible")
    yield from violations


def _judge_steps(
    history: History,
    evidence: Evidence,
    film: FilmOfUser,
    steps_of: Callable[[Operation, Traces], Iterable[Step[Film]]],
) -> Iterator[Violation]:
    operations = list(history.of(*film))
    seen = frozenset(_positions_seen(history, evidence, film))
    traces = Traces(
        evidence.sessions_of(*film),
        evidence.events_of(*film),
        history.disturbances,
        history.began_at,
        _sessions_of_keys(operations, evidence.sessions_of(*film)),
        film[0] in history.limits,
        seen,
        {each.number: each for each in operations if each.call == "start"},
    )
    steps = [
        step
        for operation in operations
        if _can_matter(operation, seen)
        for step in steps_of(operation, traces)
    ]
    steps += ended_by_the_service(traces)
    recorded = _recorded(evidence, film)
    moments = explain(steps, Film(), lambda state: state == recorded)
    if not moments:
        yield _unexplained(operations, steps, recorded)
        return
    for operation in operations:
        if operation.call == "get" and operation.status in (200, 404):
            yield from _judge_get(operation, operations, moments, history, evidence)
        elif operation.call == "continue" and operation.is_acknowledged:
            yield from _judge_list(operation, operations, moments, film)


def _sessions_of_keys(
    operations: Iterable[Operation], rows: Iterable[SessionRow]
) -> dict[str, frozenset[str]]:
    """Return the sessions that each Idempotency-Key has opened, from responses and rows."""
    made = {row.operation: row.id for row in rows}
    keys: dict[str, frozenset[str]] = {}
    for operation in operations:
        key = operation.arguments.get("key")
        if key is not None:
            begun = {operation.session_told, made.get(operation.number)} - {None}
            keys[key] = keys.get(key, frozenset()) | frozenset(filter(None, begun))
    return keys


def _can_matter(operation: Operation, seen: frozenset[int]) -> bool:
    """Return whether the search has to consider a call.

    A call without order, with an unknown outcome and a position that was never seen, can be
    ignored.
    """
    return not (
        operation.call == "report"
        and operation.is_unknown
        and operation.sequence is None
        and operation.position not in seen
    )


def _recorded(evidence: Evidence, film: FilmOfUser) -> Film:
    row = evidence.progress.get(film)
    sessions = evidence.sessions_of(*film)
    return Film(
        position=row.position_seconds if row else None,
        order=row.order if row else None,
        sequences=frozenset(
            (each.id, each.last_sequence) for each in sessions if each.last_sequence is not None
        ),
        open_sessions=frozenset(each.id for each in sessions if each.ended_at is None),
        ended_sessions=frozenset(
            each.id for each in sessions if each.ended_at is not None and not each.is_abandoned
        ),
        abandoned_sessions=frozenset(each.id for each in sessions if each.is_abandoned),
    )


def _unexplained(
    operations: Sequence[Operation], steps: Sequence[Step[Film]], recorded: Film
) -> Violation:
    culprit = first_unexplained(steps, Film())
    if culprit is not None:
        states = states_before(steps, Film(), culprit)
        return Violation(
            "a response matches its effect",
            f"nothing explains the answer to #{culprit.number}; by then the record was "
            + " or ".join(sorted(map(str, states))),
            shortest(operations, steps, Film(), culprit, recorded),
        )
    ends = {each.state for each in explain(steps, Film(), lambda state: True)}
    return Violation(
        "what was acknowledged stays on record",
        f"in the end the record is {recorded}; the calls lead to "
        + " or ".join(sorted(map(str, ends))[:5]),
        shortest(operations, steps, Film(), None, recorded),
    )


def _judge_get(
    read: Operation,
    operations: Sequence[Operation],
    moments: Sequence[Moment[Film]],
    history: History,
    evidence: Evidence,
) -> Iterator[Violation]:
    found = read.answer["position_seconds"] if read.is_acknowledged else None
    hidden_seconds = _HIDDEN_SECONDS if _redis_was_disturbed(read, history, evidence) else 0.0
    possible = _possible(read, moments) | {
        moment.state.position
        for moment in moments
        if moment.earliest <= read.answered_at
        and moment.latest_in_copies >= read.invoked_at - hidden_seconds
    }
    if found is not None and _may_be_outdated(read, history.disturbances):
        possible |= {
            moment.state.position for moment in moments if moment.earliest <= read.answered_at
        }
    if found not in possible:
        yield _misread(read, operations, found, possible)


def _redis_was_disturbed(read: Operation, history: History, evidence: Evidence) -> bool:
    """Return whether a position that was acknowledged shortly before may not be in Redis."""
    faults = [
        (each.began_at, each.ended_at)
        for each in history.disturbances
        if each.what.endswith("redis")
    ]
    faults += [(each - history.began_at,) * 2 for each in evidence.redis_failures]
    return any(
        began_at <= read.answered_at
        and ended_at + _AFTER_A_FAULT_SECONDS + _HIDDEN_SECONDS >= read.invoked_at
        for began_at, ended_at in faults
    )


def _may_be_outdated(read: Operation, disturbances: Sequence[Disturbance]) -> bool:
    """Return whether Redis may have answered because PostgreSQL did not, with any older state."""
    return read.answered_at - read.invoked_at > _STAND_IN_SECONDS or any(
        each.what.endswith("postgres")
        and each.began_at <= read.answered_at
        and each.ended_at + _STAND_IN_SECONDS >= read.invoked_at
        for each in disturbances
    )


def _judge_list(
    read: Operation,
    operations: Sequence[Operation],
    moments: Sequence[Moment[Film]],
    film: FilmOfUser,
) -> Iterator[Violation]:
    possible = _possible(read, moments)
    for item in read.answer["items"]:
        if item["movie_id"] == film[1]:
            if item["position_seconds"] not in possible:
                yield _misread(read, operations, item["position_seconds"], possible)
            return
    durations = [
        each.answer["duration_seconds"] or inf
        for each in operations
        if each.call == "start" and each.is_acknowledged and each.answered_at <= read.invoked_at
    ]
    completed_at = _COMPLETED_AT * min(durations, default=0)
    watched_by_then = {
        moment.state.position or 0 for moment in moments if moment.earliest <= read.answered_at
    }
    if max(watched_by_then, default=0) < completed_at and all(
        position is not None and position >= _BEGUN_AT_SECONDS for position in possible
    ):
        yield Violation(
            "continue watching lists a started film",
            f"#{read.number} left {film[1]} out, whose position was {_listed(possible)}",
            _about(read, operations, possible),
        )


def _possible(read: Operation, moments: Sequence[Moment[Film]]) -> set[int | None]:
    return {
        moment.state.position
        for moment in moments
        if moment.is_within(read.invoked_at, read.answered_at)
    }


def _misread(
    read: Operation,
    operations: Sequence[Operation],
    found: int | None,
    possible: set[int | None],
) -> Violation:
    return Violation(
        "a read returns the record",
        f"#{read.number} saw {found}; possible were {_listed(possible)}",
        _about(read, operations, possible | {found}),
    )


def _about(
    read: Operation, operations: Sequence[Operation], positions: set[int | None]
) -> tuple[Operation, ...]:
    """Return ``read`` and the calls before its end that contain these positions."""
    return tuple(
        each
        for each in operations
        if each.number == read.number
        or (
            each.position is not None
            and each.position in positions
            and each.invoked_at <= read.answered_at
        )
    )


def _positions_seen(history: History, evidence: Evidence, film: FilmOfUser) -> Iterator[int]:
    row = evidence.progress.get(film)
    if row is not None:
        yield row.position_seconds
    for operation in history.of(*film):
        yield from operation.positions_told


def _listed(positions: set[int | None]) -> str:
    told = sorted("none" if each is None else str(each) for each in positions)
    return " or ".join(told)
