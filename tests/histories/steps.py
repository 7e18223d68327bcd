"""Converts recorded operations to the steps that an explanation has to order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

from tests.histories.evidence import Event, SessionRow
from tests.histories.linearizability import Step
from tests.histories.model import Film, Place
from tests.histories.operations import Disturbance, Operation

# A statement that PostgreSQL has not executed soon after the call was aborted most likely never
# runs.
_SOON_SECONDS = 1.0
_CLOCKS_DIFFER_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Traces:
    """The traces of one film of one user: rows, events, and the faults during the calls.

    A call whose response was lost leaves its traces there. ``keys`` are the sessions of each
    Idempotency-Key; ``is_limited`` means that the user has a stream limit; ``positions_seen`` are
    the positions in responses and in the final record. ``starts`` are the starts by number.
    """

    sessions: Sequence[SessionRow]
    events: Sequence[Event]
    disturbances: Sequence[Disturbance]
    began_at: float
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_limited: bool = False
    positions_seen: frozenset[int] = frozenset()
    starts: Mapping[int, Operation] = field(default_factory=dict)

    def was_opening(self, session_id: str, call: Operation) -> bool:
        """Return whether the start of a session overlaps ``call``."""
        numbers = (row.operation for row in self.sessions if row.id == session_id)
        start = self.starts.get(next(numbers, 0))
        return (
            start is not None
            and start.invoked_at <= call.answered_at
            and (start.is_unknown or start.answered_at >= call.invoked_at)
        )

    def tells_of(self, report: Operation) -> bool:
        """Return whether there is a sign of ``report``, and not only of another attempt.

        Without a response it may have been committed without its event.
        """
        return report.position in self.positions_seen or any(
            event.position == report.position
            and event.value["action"] == "stream_progress"
            and self._is_within(event, report)
            for event in self.events
        )

    def _is_within(self, event: Event, call: Operation) -> bool:
        """Return whether an event is of ``call``, and not of another with the same position."""
        if not self.began_at:
            return True
        told_at = datetime.fromisoformat(event.value["timestamp"]).timestamp() - self.began_at
        return (
            call.invoked_at - _CLOCKS_DIFFER_SECONDS
            <= told_at
            <= call.answered_at + _CLOCKS_DIFFER_SECONDS
        )

    def ended_by(self, stop: Operation) -> str | None:
        """Return the session that ``stop`` ended, as far as it can be determined."""
        if stop.is_acknowledged:
            ended: str | None = stop.answer["session_id"]
            return ended
        told = (
            event.session_id
            for event in self.events
            if event.value["action"] == "stream_stop"
            and event.reason is None
            and event.position == stop.position
            and self._is_within(event, stop)
        )
        return stop.session_id or next(told, None)

    def disturbed(self, operation: Operation) -> list[Disturbance]:
        """Return the faults during ``operation``."""
        return [
            each
            for each in self.disturbances
            if each.began_at <= operation.answered_at and each.ended_at >= operation.invoked_at
        ]


def likely_steps_of(operation: Operation, traces: Traces) -> Iterator[Step[Film]]:
    """Yield the most likely effects of ``operation`` on the record of its film.

    They explain most histories, and the search is much smaller than with all possible effects.
    """
    for step in possible_steps_of(operation, traces):
        if operation.is_unknown:
            if operation.call == "report" and not traces.tells_of(operation):
                continue
            ends = [each.ended_at for each in traces.disturbed(operation)]
            ended_at = max([operation.answered_at, *ends]) + _SOON_SECONDS
            yield replace(step, ended_at=ended_at)
        else:
            yield step


def possible_steps_of(operation: Operation, traces: Traces) -> Iterator[Step[Film]]:
    """Yield all possible effects of ``operation`` on the record of its film."""
    match operation.call:
        case "start" if operation.is_acknowledged:
            yield _started(operation)
        case "start" if operation.is_unknown or operation.status == 429:
            # A session that was opened and then refused because of a take-over ends at once.
            for row in traces.sessions:
                if row.operation == operation.number:
                    yield _of(operation, row.id)
        case "start" if operation.code == "session_ended":
            yield _has_ended(operation, traces)
        case "report" | "stop":
            ends = traces.ended_by(operation) if operation.call == "stop" else None
            step = _written(operation, ends, traces)
            if step is not None:
                yield step


def ended_by_the_service(traces: Traces) -> Iterator[Step[Film]]:
    """Yield the ends of sessions that no stop has ended, each with its reason."""
    for event in traces.events:
        if event.reason is not None and event.session_id is not None:
            yield _end(event.session_id, event.reason)


def _end(session_id: str, reason: str) -> Step[Film]:
    def blindly(film: Film) -> Film:
        return film.abandon(session_id) if reason == "abandoned" else film.end(session_id)

    return Step(-1, -inf, inf, blindly, blindly, may_not_happen=True)


def _started(operation: Operation) -> Step[Film]:
    session_id: str = operation.answer["session_id"]
    resumed_at = operation.answer["resume_position_seconds"]

    def blindly(film: Film) -> Film:
        return film.start(session_id)

    def effect(film: Film) -> Film | None:
        # The repeat of a start requires its session to be open.
        has_ended = session_id in film.sessions and session_id not in film.open_sessions
        is_right = (film.position or 0) == resumed_at and not has_ended
        return blindly(film) if is_right else None

    # A start reads PostgreSQL. The position that it returns need not have been acknowledged.
    return _answered(operation, effect, blindly, is_told=False)


def _has_ended(operation: Operation, traces: Traces) -> Step[Film]:
    """Return the repeat of a start that returned that its session has ended."""
    sessions = traces.keys.get(operation.arguments["key"], frozenset())

    def effect(film: Film) -> Film | None:
        # With a stream limit, a session may have lost its place before it ends.
        over = film.sessions if traces.is_limited else film.sessions - film.open_sessions
        return film if sessions & over else None

    def blindly(film: Film) -> Film:
        return film

    return _answered(operation, effect, blindly, is_told=False)


def _of(operation: Operation, session_id: str) -> Step[Film]:
    """Return the start of a session whose response was lost."""

    def blindly(film: Film) -> Film:
        return film.start(session_id)

    return Step(operation.number, operation.invoked_at, inf, blindly, blindly, may_not_happen=True)


def _written(operation: Operation, ends: str | None, traces: Traces) -> Step[Film] | None:
    """Return the step of a report or a stop, which ends the session ``ends``."""
    # The time of an old report depends on clocks: its response shows whether it was too early. The
    # stateful test verifies the response.
    is_old = bool(operation.arguments.get("age_seconds")) and operation.is_acknowledged
    is_outdated = is_old and not operation.answer["applied"]
    place = Place(operation.session_id, operation.sequence, is_outdated)
    position = operation.position
    assert position is not None

    def blindly(film: Film) -> Film:
        if not film.finds(place):
            return film
        if operation.call == "stop":
            return film.stop(position, place, ends)
        return film.report(position, place)

    def effect(film: Film) -> Film | None:
        if operation.status == 404:
            return None if film.finds(place) else film
        after = blindly(film)
        answer = operation.answer
        is_right = film.finds(place) and answer["position_seconds"] == (after.position or 0)
        if operation.call == "report":
            has_ended = place.session_id in film.ended_sessions
            is_right &= answer["session_ended"] == has_ended
            is_right &= answer["applied"] == (film.counts(place) and not has_ended)
        elif ends is None:
            # A stop without a session id looks for open sessions before it saves its position.
            is_right &= all(traces.was_opening(each, operation) for each in film.open_sessions)
            is_right &= answer["applied"] == film.counts(place)
        else:
            # Two stops without a session id may both have found the same latest open session.
            is_right &= ends in film.sessions
            is_right &= answer["applied"] == film.counts(place)
        return after if is_right else None

    number, began_at = operation.number, operation.invoked_at
    if operation.is_unknown:
        return Step(number, began_at, inf, blindly, blindly, may_not_happen=True)
    if operation.is_acknowledged or operation.status == 404:
        return _answered(operation, effect, blindly, is_told=operation.is_acknowledged)
    return None


def _answered(
    operation: Operation,
    effect: Callable[[Film], Film | None],
    blindly: Callable[[Film], Film],
    *,
    is_told: bool,
) -> Step[Film]:
    times = operation.invoked_at, operation.answered_at
    return Step(operation.number, *times, effect, blindly, is_told=is_told)
