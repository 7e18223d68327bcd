"""Sessions whose player stopped reporting, and players that report again."""

from datetime import timedelta
from uuid import UUID

import pytest

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import Rows
from tests.support.functions import Json, Viewer, event, invoke
from tests.support.kafka import await_events
from tests.support.waiting import eventually

SILENCE = """
    UPDATE stream_sessions
    SET started_at = started_at - CAST(:silence AS interval),
        last_heartbeat_at = last_heartbeat_at - CAST(:silence AS interval)
    WHERE id = :id
"""


def session(rows: Rows, session_id: str) -> Json:
    """Return a session's row."""
    (row,) = rows("SELECT * FROM stream_sessions WHERE id = :id", id=UUID(session_id))
    return row


def abandon(rows: Rows, session_id: str) -> None:
    """Set a session's last heartbeat back by six minutes, and run housekeeping."""
    rows(SILENCE, id=UUID(session_id), silence="6 minutes")
    eventually(lambda: keep_house() and not is_open(rows, session_id))


def keep_house() -> Json:
    """Run housekeeping."""
    done: Json = invoke("housekeeping", event("housekeeping"))
    return done


def is_open(rows: Rows, session_id: str) -> bool:
    """Return whether a session is open."""
    return session(rows, session_id)["ended_at"] is None


def stop_events(stack: Stack, viewer: Viewer, rows: Rows, count: int) -> list[Json]:
    """Relay the outbox; return the viewer's stop events in their order."""
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 minute'")
    keep_house()
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    found = await_events(bootstrap, viewer.user_id, count, topic="stream.stop")["stream.stop"]
    distinct = {each["event_id"]: each for each in found}.values()
    return sorted(distinct, key=lambda each: each["timestamp"])


def test_ended_at_the_last_heartbeat(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A session without a heartbeat for five minutes ends at its last, and its event says why."""
    session_id = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 30, session_id=session_id, sequence=1)

    abandon(rows, session_id)

    ended = session(rows, session_id)
    assert ended["ended_at"] == ended["last_heartbeat_at"]
    assert ended["end_reason"] == "abandoned"
    lasted = ended["ended_at"] - ended["started_at"]
    assert abs(lasted - timedelta(seconds=ended["duration_seconds"])) <= timedelta(seconds=1)
    (told,) = stop_events(stack, viewer, rows, 1)
    assert told["action"] == "stream_stop"
    assert told["reason"] == "abandoned"
    assert (told["session_id"], told["position_seconds"]) == (session_id, 30)
    assert told["timestamp"] == clock.iso(ended["ended_at"])


def test_live_sessions_stay(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A session with a heartbeat less than five minutes ago stays open."""
    session_id = viewer.start(movie_id).json["session_id"]
    rows(SILENCE, id=UUID(session_id), silence="4 minutes 30 seconds")

    keep_house()

    assert is_open(rows, session_id)


def test_each_heartbeat_counts(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A session stays open five minutes after each of its heartbeats, and no longer."""
    session_id = viewer.start(movie_id).json["session_id"]
    for sequence in range(1, 4):
        rows(SILENCE, id=UUID(session_id), silence="6 minutes")
        viewer.report(movie_id, sequence, session_id=session_id, sequence=sequence)
        keep_house()
        assert is_open(rows, session_id)
    rows(SILENCE, id=UUID(session_id), silence="5 minutes 1 second")

    keep_house()

    assert not is_open(rows, session_id)


def test_many(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """However many players stop reporting at once, each session ends once, with one event."""
    rows(
        """
        INSERT INTO stream_sessions (
            id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at
        )
        SELECT gen_random_uuid(), :user, :movie, 'hls', now() - interval '1 hour',
            now() - interval '30 minutes'
        FROM generate_series(1, 450)
        """,
        user=viewer.user_id,
        movie=movie_id,
    )
    still_open = "SELECT 1 FROM stream_sessions WHERE user_id = :user AND ended_at IS NULL"

    eventually(lambda: keep_house() and not rows(still_open, user=viewer.user_id))

    rows("UPDATE event_outbox SET created_at = created_at - interval '1 minute'")
    waiting = "SELECT 1 FROM event_outbox WHERE key = :user LIMIT 1"
    eventually(lambda: keep_house() and not rows(waiting, user=str(viewer.user_id)))


def test_paused_player_comes_back(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A report to an abandoned session counts and reopens it; its next end has another event."""
    session_id = viewer.start(movie_id).json["session_id"]
    abandon(rows, session_id)

    answer = viewer.report(movie_id, 40, session_id=session_id, sequence=1)

    assert (answer.json["applied"], answer.json["session_ended"]) == (True, False)
    reopened = session(rows, session_id)
    assert reopened["ended_at"] is None
    assert reopened["end_reason"] is None
    assert reopened["duration_seconds"] is None
    stopped = viewer.stop(movie_id, 50, session_id=session_id, sequence=2)
    assert stopped.json["duration_seconds"] >= 360
    abandoned, final = stop_events(stack, viewer, rows, 2)
    assert (abandoned["reason"], abandoned["position_seconds"]) == ("abandoned", None)
    assert final["position_seconds"] == 50
    assert "reason" not in final


def test_late_report_reopens(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A report also reopens the session if a position watched later keeps it from counting."""
    earlier = viewer.start(movie_id).json["session_id"]
    later = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 10, session_id=later, sequence=1)
    abandon(rows, earlier)

    answer = viewer.report(movie_id, 40, session_id=earlier, sequence=1, age_seconds=3600)

    assert (answer.json["applied"], answer.json["session_ended"]) == (False, False)
    assert is_open(rows, earlier)


@pytest.mark.parametrize("silence", ["6 minutes", "23 hours"])
def test_player_without_ids_comes_back(
    viewer: Viewer, movie_id: UUID, rows: Rows, silence: str
) -> None:
    """A report without a session id reopens the latest one if that was abandoned within a day."""
    earlier = viewer.start(movie_id).json["session_id"]
    later = viewer.start(movie_id).json["session_id"]
    for session_id in (earlier, later):
        rows(SILENCE, id=UUID(session_id), silence=silence)
        abandon(rows, session_id)

    viewer.report(movie_id, 40)

    assert not is_open(rows, earlier)
    assert is_open(rows, later)


def test_report_without_id_long_after(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A report without a session id reopens none of an earlier day, and none that was stopped."""
    abandoned = viewer.start(movie_id).json["session_id"]
    rows(SILENCE, id=UUID(abandoned), silence="25 hours")
    abandon(rows, abandoned)
    viewer.report(movie_id, 40)
    assert not is_open(rows, abandoned)

    stopped = viewer.start(movie_id).json["session_id"]
    viewer.stop(movie_id, 45)
    viewer.report(movie_id, 50)
    assert not is_open(rows, stopped)
    assert viewer.progress(movie_id).json["position_seconds"] == 50


def test_stop_of_an_abandoned_session(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A stop of an abandoned session saves the position, publishes nothing, and is final."""
    session_id = viewer.start(movie_id).json["session_id"]
    abandon(rows, session_id)
    ended = session(rows, session_id)

    answer = viewer.stop(movie_id, 55, session_id=session_id, sequence=9)

    assert answer.json["session_id"] == session_id
    assert answer.json["duration_seconds"] == ended["duration_seconds"]
    assert viewer.progress(movie_id).json["position_seconds"] == 55
    assert session(rows, session_id) == {**ended, "end_reason": None, "last_sequence": 9}
    late = viewer.report(movie_id, 40, session_id=session_id, sequence=8).json
    assert (late["applied"], late["session_ended"]) == (False, True)
    (told,) = stop_events(stack, viewer, rows, 1)
    assert told["reason"] == "abandoned"


def test_report_after_stop_without_progress(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A report to a session that ended permanently changes nothing, even without a position."""
    session_id = viewer.start(movie_id).json["session_id"]
    viewer.stop(movie_id, 0, session_id=session_id)
    rows("DELETE FROM watch_progress WHERE user_id = :user", user=viewer.user_id)

    answer = viewer.report(movie_id, 30, session_id=session_id, sequence=1)

    assert answer.status == 200
    assert (answer.json["applied"], answer.json["session_ended"]) == (False, True)
    assert answer.json["position_seconds"] == 0
    assert rows("SELECT 1 FROM watch_progress WHERE user_id = :user", user=viewer.user_id) == []
