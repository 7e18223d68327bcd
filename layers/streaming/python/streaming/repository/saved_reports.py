"""The statements of reports with their values, and the results of their rows.

All may run twice with the effect of once: a repeat finds what the first run has saved.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from streaming.domain import clock
from streaming.domain.errors import DatabaseUnavailable, SessionNotFound
from streaming.domain.identifiers import uuid7
from streaming.domain.progress import RecordedReport, Report, SavedProgress
from streaming.domain.sessions import EndedSession
from streaming.events.event import Message, key_of
from streaming.repository import report_sql as sql
from streaming.repository.outbox_inserts import values_of
from streaming.repository.pipeline_connection import Row, Statement
from streaming.repository.progress import to_progress


def save(report: Report, session_id: UUID | None) -> Statement:
    """Count a heartbeat of the session, reopen it if it was abandoned, and save the position.

    Returns one row: whether the session was heard, and whether the position was applied.
    """
    if session_id is None:
        return _statement(sql.REPORT_WITHOUT_SESSION, report, **_position(report))
    return _statement(sql.REPORT, report, **_in_session(report, session_id))


def stop(report: Report, session_id: UUID, message: Message | None) -> list[Statement]:
    """Save the final position of ``report``, and end the session if it is open.

    ``message`` is the event of the stop; it is inserted into the outbox if this ends the session.
    An abandoned session stays ended permanently.
    """
    session = {"session_id": session_id}
    ending = {**session, "at": report.reported_at}
    return [
        _statement(sql.FINAL_REPORT, report, **_in_session(report, session_id)),
        _statement(sql.END, report, **ending)
        if message is None
        else _statement(
            sql.END_WITH_EVENT,
            report,
            **ending,
            **values_of(message),
        ),
        _statement(sql.KEEP_ENDED, report, **session),
    ]


def select_outcome(report: Report, session_id: UUID | None) -> Statement:
    """Select the session, the record of the film, and whether events of the user are waiting."""
    key = key_of(report.user_id)
    return _statement(sql.SELECT_OUTCOME, report, session_id=session_id, key=key)


def is_conclusive(report: Report, answers: Sequence[Sequence[Row]]) -> bool:
    """Return whether the rows of a second run show whether the first one saved ``report``.

    They do not if the session has counted the report, and another one has replaced it since.
    """
    saved, *_, (row,) = answers
    is_counted = report.order is not None and row["last_sequence"] == report.order.sequence
    return not is_counted or saved[0]["is_applied"] or _is_same_attempt(report, row)


def recorded(
    report: Report, session_id: UUID | None, saved: Sequence[Row], outcome: Sequence[Row]
) -> RecordedReport:
    """Return the result of a report from the rows of its statements. Raises ``SessionNotFound``."""
    (row,) = outcome
    _require_session(session_id, row)
    progress = _progress(row)
    is_repeat = _is_repeat(report, progress)
    is_applied = saved[0]["is_applied"] or (is_repeat and _is_same_attempt(report, row))
    return RecordedReport(
        progress,
        applied=is_applied,
        session_id=session_id,
        session_ended=session_id is not None and not saved[0]["is_heard"],
        is_event_due=is_applied or is_repeat,
        is_event_next=not row["has_older_events"],
    )


def ended(
    report: Report, session_id: UUID | None, answers: Sequence[Sequence[Row]]
) -> EndedSession:
    """Return the result of a stop from the rows of its statements.

    Raises ``SessionNotFound``, and ``DatabaseUnavailable`` if the user was erased at the same time.
    """
    saved, *endings, outcome = answers
    (row,) = outcome
    _require_session(session_id, row)
    progress = _progress(row)
    if progress is None:
        raise DatabaseUnavailable("the position was deleted at the same time")
    ending = endings[0] if endings else []
    return EndedSession(
        progress,
        session_id,
        row["lasted_seconds"],
        ended_now=bool(ending) or row["ended_at"] == report.reported_at,
        applied=saved[0]["is_applied"]
        or (_is_repeat(report, progress) and _is_same_attempt(report, row)),
        event_is_next=bool(ending and ending[0].get("is_next")),
    )


def _require_session(session_id: UUID | None, row: Row) -> None:
    if session_id is not None and row["known_session"] is None:
        raise SessionNotFound("the user has no such session of this film")


def _progress(row: Row) -> SavedProgress | None:
    return to_progress(row) if row["user_id"] else None


def _is_repeat(report: Report, progress: SavedProgress | None) -> bool:
    """Return whether the record has this report.

    Another report with the same order, which a player should not send, is no repeat: its event
    would have the id of the event of the saved one, and consumers would discard the later of them.
    """
    return (
        report.order is not None
        and progress is not None
        and progress.order == report.order
        and progress.position_seconds == report.position_seconds
    )


def _is_same_attempt(report: Report, row: Row) -> bool:
    """Return whether an earlier run of the same statements has saved the report on record."""
    return bool(row["updated_at"] == report.reported_at)


def _statement(text: str, report: Report, **parameters: Any) -> Statement:
    values = {"user_id": report.user_id, "movie_id": report.movie_id, **parameters}
    return Statement(text, values, keeps_plan=True)


def _in_session(report: Report, session_id: UUID) -> dict[str, Any]:
    return {
        **_position(report),
        "session_id": session_id,
        "sequence": report.order.sequence if report.order else None,
        "names_session": report.session_id is not None,
    }


def _position(report: Report) -> dict[str, Any]:
    return {
        "id": uuid7(clock.milliseconds(report.reported_at)),
        "position_seconds": report.position_seconds,
        "at": report.reported_at,
        "made_at": report.reported_at - timedelta(seconds=report.age_seconds),
        "is_fresh": not report.age_seconds,
    }
