"""Checks the stream limit: no start succeeds while as many other streams run as allowed."""

from collections.abc import Iterator
from math import inf

from tests.histories.evidence import Evidence, SessionRow
from tests.histories.operations import History, Operation
from tests.histories.violation import Violation

# Functions and checker use different clocks, and failures are logged after they occurred.
_CLOCKS_DIFFER_SECONDS = 0.1
_FAILING_SECONDS = 1.5


def judge_limits(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Yield starts that returned a session although the user's limit was reached.

    Checked until Redis, which counts the streams, is first disturbed or late.
    """
    ends_at = _enforced_until(history, evidence)
    for user_id, limit in history.limits.items():
        operations = [each for each in history.operations if each.user_id == user_id]
        for start in operations:
            if start.call != "start" or not start.is_acknowledged or start.answered_at >= ends_at:
                continue
            others = _certainly_running(history, evidence, operations, start)
            if len(others) >= limit:
                yield Violation(
                    "the stream limit is kept",
                    f"#{start.number} was answered a session beside {len(others)} others, "
                    f"{limit} may run",
                    (*others, start),
                )


def _enforced_until(history: History, evidence: Evidence) -> float:
    disturbed = [each.began_at for each in history.disturbances if each.what.endswith("redis")]
    failed_at = evidence.redis_failed_at - history.began_at - _FAILING_SECONDS
    return min([*disturbed, failed_at], default=inf)


def _certainly_running(
    history: History, evidence: Evidence, operations: list[Operation], start: Operation
) -> tuple[Operation, ...]:
    """Return the first starts of other sessions that ran from before ``start`` to its response."""
    if any(_may_have_taken_over(each, start) for each in operations):
        return ()
    running: dict[str, Operation] = {}
    for each in operations:
        session_id = each.session_told
        if (
            each.call == "start"
            and session_id is not None
            and session_id != start.session_told
            and each.answered_at < start.invoked_at
            and not _may_have_ended(history, evidence, evidence.sessions.get(session_id), start)
            and not any(_may_have_stopped(other, each, start) for other in operations)
        ):
            running.setdefault(session_id, each)
    return tuple(running.values())


def _may_have_taken_over(other: Operation, start: Operation) -> bool:
    """Return whether a take-over without a response may have ended streams without adding one."""
    return (
        other.number != start.number
        and "take_over" in other.arguments
        and not other.is_acknowledged
        and other.invoked_at < start.answered_at
    )


def _may_have_ended(
    history: History, evidence: Evidence, row: SessionRow | None, start: Operation
) -> bool:
    """Return whether the service may have ended a session before the response to ``start``."""
    if row is None:
        return True
    events = evidence.events_of(row.user_id, row.movie_id)
    if any(each.session_id == row.id and each.reason == "abandoned" for each in events):
        return True
    if row.ended_at is None or row.end_reason is None:
        return False
    ended_at = row.ended_at.timestamp() - history.began_at
    return ended_at <= start.answered_at + _CLOCKS_DIFFER_SECONDS


def _may_have_stopped(other: Operation, began: Operation, start: Operation) -> bool:
    """Return whether ``other`` may have stopped ``began``'s session before ``start`` ended."""
    return (
        other.call == "stop"
        and other.movie_id == began.movie_id
        and other.session_id in (None, began.session_told)
        and other.invoked_at < start.answered_at
    )
