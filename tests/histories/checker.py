"""Checks a history: a pure function of the recorded calls and the servers' final contents."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tests.histories.events import judge_events
from tests.histories.evidence import Evidence, FilmOfUser, ProgressRow
from tests.histories.figures import judge_figures
from tests.histories.identifiers import short
from tests.histories.limits import judge_limits
from tests.histories.operations import History, Operation
from tests.histories.records import judge_records
from tests.histories.violation import Violation

# 200, the caller's errors, and "try again".
_EXPECTED = (200, 404, 409, 422, 429, 503)

# A longer call has waited for a server without a response.
_CALM_SECONDS = 0.5


def check(history: History, evidence: Evidence) -> list[Violation]:
    """Return every broken promise; the list is empty if all were kept."""
    return [
        *_judge_answers(history),
        *_judge_keys(history, evidence),
        *_judge_claims(history),
        *judge_limits(history, evidence),
        *judge_records(history, evidence),
        *judge_events(history, evidence),
        *judge_figures(history, evidence),
        *_judge_cache(history, evidence),
    ]


def _judge_answers(history: History) -> Iterator[Violation]:
    """No response is an internal failure, and none contains another user's data."""
    for operation in history.operations:
        if operation.status is None:
            continue
        if operation.status not in _EXPECTED:
            what = f"#{operation.number} was answered {operation.status}"
            yield Violation("a failure is a 503", what, (operation,))
        if not operation.is_acknowledged:
            continue
        told = operation.answer.get("items", [operation.answer])
        users = {each.get("user_id", operation.user_id) for each in told}
        films = {each.get("movie_id", operation.movie_id) for each in told}
        is_foreign = users - {operation.user_id} or (
            operation.movie_id is not None and films != {operation.movie_id}
        )
        if is_foreign:
            what = f"#{operation.number} was told of {users}, {films}"
            yield Violation("a response has only its user's data", what, (operation,))


def _judge_keys(history: History, evidence: Evidence) -> Iterator[Violation]:
    """A start that is repeated with its Idempotency-Key opens no second session."""
    tries: dict[tuple[str, str], list[Operation]] = defaultdict(list)
    for operation in history.operations:
        key = operation.arguments.get("key")
        if key is not None:
            tries[operation.user_id, key].append(operation)
    for (_, key), starts in tries.items():
        told = {each.session_told for each in starts} - {None}
        # A start that was refused because of a concurrent take-over may open another session.
        numbers = {each.number for each in starts if each.status != 429}
        made = {row.id for row in evidence.sessions.values() if row.operation in numbers}
        if len(told | made) > 1:
            what = f"{key} has begun {sorted(map(short, told | made))}"
            yield Violation("a key opens one session", what, tuple(starts))


def _judge_claims(history: History) -> Iterator[Violation]:
    """A start is told that its key is in use only while another attempt may be running."""
    for refused in history.operations:
        if refused.code != "request_in_progress":
            continue
        others = [
            each
            for each in history.operations
            if each.number != refused.number
            and each.user_id == refused.user_id
            and each.arguments.get("key") == refused.arguments["key"]
            and each.invoked_at <= refused.answered_at
        ]
        if not any(_may_hold_its_key(each, refused, history) for each in others):
            what = f"#{refused.number} was told to wait, and no other try was running"
            yield Violation("a start waits only for a running try", what, (*others, refused))


def _may_hold_its_key(other: Operation, refused: Operation, history: History) -> bool:
    """Return whether ``other`` may still be running, or may have failed to release its key."""
    if other.is_unknown or other.answered_at >= refused.invoked_at:
        return True
    return not other.is_acknowledged and (
        other.answered_at - other.invoked_at > _CALM_SECONDS
        or any(
            each.what.endswith("postgres")
            and each.began_at <= other.answered_at
            and each.ended_at >= other.invoked_at
            for each in history.disturbances
        )
    )


def _ended_before_redis(
    history: History, film: FilmOfUser, cached: Mapping[str, Any], row: ProgressRow | None
) -> bool:
    """Return whether only calls that were not acknowledged wrote what Redis does not have.

    A function that is killed after its commit leaves the position in PostgreSQL only; a repeat of
    the call brings it to Redis.
    """
    if row is None or cached["version"] >= row.version:
        return False
    writers = [
        each
        for each in history.of(*film)
        if each.call in ("report", "stop") and each.position == row.position_seconds
    ]
    return bool(writers) and all(each.is_unknown for each in writers)


def _judge_cache(history: History, evidence: Evidence) -> Iterator[Violation]:
    """Redis contains the same as PostgreSQL for a film, unless its last write failed."""
    for film, cached in evidence.cached.items():
        row = evidence.progress.get(film)
        on_record = row and {
            "position_seconds": row.position_seconds,
            "duration_seconds": row.duration_seconds,
            "completed": row.completed,
            "session_id": row.session_id,
            "sequence": row.sequence,
            "version": row.version,
        }
        in_cache = {name: cached.get(name) for name in on_record or cached}
        if in_cache != on_record and not _ended_before_redis(history, film, cached, row):
            writers = tuple(
                each
                for each in history.of(*film)
                if each.position is not None
                and each.position in (cached.get("position_seconds"), row and row.position_seconds)
            )
            yield Violation(
                "Redis and PostgreSQL agree",
                f"{film} is {in_cache} in Redis and {on_record} in PostgreSQL",
                writers,
            )
