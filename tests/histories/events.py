"""Checks events: each acknowledged call has its event, each event its call, in the right order."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tests.histories.evidence import Event, Evidence, SessionRow
from tests.histories.operations import History, Operation
from tests.histories.violation import Violation


def judge_events(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Yield the violations by events."""
    for event in evidence.events:
        if event.key != event.value["user_id"]:
            yield Violation("an event has its user's key", event.key, events=(event,))
    yield from _judge_sessions(history, evidence)
    yield from _judge_reports(history, evidence)
    yield from _judge_order(history, evidence)


def _judge_sessions(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Each session has one start event, and one event of its final end, if it has ended."""
    starts, stops = _by_session(evidence, "stream_start"), _by_session(evidence, "stream_stop")
    for row in evidence.sessions.values():
        yield from _judge_starts(history, row, starts.get(row.id, []))
        yield from _judge_stops(history, row, stops.get(row.id, []))
        if (row.ended_at or row.started_at) < row.started_at or (row.duration_seconds or 0) < 0:
            yield Violation("a session does not end before it starts", str(row))
    told = {**starts, **stops}
    for session_id in told.keys() - evidence.sessions.keys():
        yield Violation(
            "every event was committed",
            f"there is no session {session_id}",
            _about(history, session_id),
            tuple(told[session_id]),
        )
    for operation in history.operations:
        if operation.session_told is not None:
            yield from _judge_acknowledged(history, evidence, operation, operation.session_told)


def _judge_starts(
    history: History, row: SessionRow, events: Sequence[Event]
) -> Iterator[Violation]:
    if len(events) != 1:
        yield _miscounted(history, row, "starts", events)
    yield from _judge_owner(row, events)


def _judge_stops(history: History, row: SessionRow, events: Sequence[Event]) -> Iterator[Violation]:
    abandoned = [event for event in events if event.reason == "abandoned"]
    for_good = len(events) - len(abandoned)
    if row.ended_at is None:
        is_right = for_good == 0
    elif row.is_abandoned:
        is_right = for_good == 0 and len(abandoned) >= 1
    else:
        # A stop of an abandoned session has no event of its own.
        is_right = for_good == 1 or (for_good == 0 and len(abandoned) >= 1)
    if not is_right:
        yield _miscounted(history, row, "ends", events)
    yield from _judge_owner(row, events)


def _miscounted(
    history: History, row: SessionRow, happens: str, events: Sequence[Event]
) -> Violation:
    return Violation(
        f"a session {happens} once, with one event",
        f"there are {len(events)} distinct events of {row}",
        _about(history, row.id),
        tuple(events),
    )


def _judge_owner(row: SessionRow, events: Sequence[Event]) -> Iterator[Violation]:
    for event in events:
        if (event.key, event.value["movie_id"]) != (row.user_id, row.movie_id):
            yield Violation("an event matches its session", str(row), events=(event,))


def _judge_acknowledged(
    history: History, evidence: Evidence, operation: Operation, session_id: str
) -> Iterator[Violation]:
    row = evidence.sessions.get(session_id)
    if row is None or (operation.call == "stop" and row.ended_at is None):
        yield Violation(
            "what was acknowledged stays on record",
            f"#{operation.number} was acknowledged, but the session is {row}",
            _about(history, session_id),
        )


def _judge_reports(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Each report that changed the record has its event, and each event has its report."""
    events: dict[tuple[str, str, int | None], list[Event]] = defaultdict(list)
    for event in _distinct(evidence.events):
        if event.value["action"] == "stream_progress":
            events[event.key, event.value["movie_id"], event.position].append(event)
    attempts = _attempts(history)
    for report, tries in attempts.items():
        told = events.get(report, [])
        applied = [each for each in tries if each.is_acknowledged and _is_on_record(each)]
        if applied and not told:
            yield Violation(
                "every acknowledged report has its event",
                f"#{applied[0].number} was acknowledged and no event tells of it",
                tuple(tries),
            )
        possible = [each for each in tries if each.is_unknown or each.is_acknowledged]
        named = {each.session_id for each in tries}
        if len(told) > len(possible) or any(
            event.session_id not in named for event in told if named != {None}
        ):
            yield Violation(
                "an event matches its report",
                f"{len(possible)} reports have {len(told)} distinct events",
                tuple(tries),
                tuple(told),
            )
    for stray in events.keys() - attempts.keys():
        yield Violation(
            "an event matches its report", "nobody reported it", events=tuple(events[stray])
        )


def _is_on_record(report: Operation) -> bool:
    """Return whether the response tells that the record has the report.

    The response to the repeat of an ordered report has its position, which no other report has.
    """
    is_ordered = report.session_id is not None and report.arguments.get("sequence") is not None
    is_told = is_ordered and report.answer["position_seconds"] == report.position
    return bool(report.answer["applied"] or is_told)


def _judge_order(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Events of a session arrive in the order of its reports, not counting repeats.

    Only sequential reports are compared, each with a single event: concurrent or repeated ones may
    arrive in any order.
    """
    place: dict[tuple[str, str, int | None], int] = {}
    count: dict[tuple[str, str, int | None], int] = defaultdict(int)
    for index, event in enumerate(_distinct(evidence.events)):
        if event.value["action"] == "stream_progress":
            report = (event.key, event.value["movie_id"], event.position)
            place.setdefault(report, index)
            count[report] += 1
    done: dict[str, list[tuple[Operation, int]]] = defaultdict(list)
    for report, tries in _attempts(history).items():
        first = tries[0]
        is_plain = len(tries) == 1 and first.is_acknowledged and first.answer["applied"]
        if is_plain and count[report] == 1 and first.session_id is not None:
            done[first.session_id].append((first, place[report]))
    for reports in done.values():
        in_place = sorted(reports, key=lambda each: each[1])
        for (earlier, _), (later, _) in pairwise(in_place):
            if later.answered_at < earlier.invoked_at:
                yield Violation(
                    "events of a session arrive in order",
                    f"the event of #{earlier.number} came before that of #{later.number}",
                    (later, earlier),
                )


def _by_session(evidence: Evidence, action: str) -> Mapping[str, list[Event]]:
    events: dict[str, list[Event]] = defaultdict(list)
    for event in _distinct(evidence.events):
        if event.value["action"] == action and event.session_id is not None:
            events[event.session_id].append(event)
    return events


def _attempts(history: History) -> dict[tuple[str, str, int | None], list[Operation]]:
    """Return the reports by their contents: repeats of one share its position."""
    attempts: dict[tuple[str, str, int | None], list[Operation]] = defaultdict(list)
    for operation in history.operations:
        if operation.call == "report" and operation.movie_id is not None:
            report = (operation.user_id, operation.movie_id, operation.position)
            attempts[report].append(operation)
    return attempts


def _distinct(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the events without the repeats that consumers remove."""
    seen: set[str] = set()
    for event in events:
        if event.event_id not in seen:
            seen.add(event.event_id)
            yield event


def _about(history: History, session_id: str) -> tuple[Operation, ...]:
    return tuple(
        each
        for each in history.operations
        if session_id in (each.session_id, each.session_told) and each.call in ("start", "stop")
    )
