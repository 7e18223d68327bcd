"""Reporting the position, reading it back, stopping."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from redis import Redis

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import Rows
from tests.support.functions import Viewer, patient_request
from tests.support.kafka import await_events


def test_report_and_read_back(
    stack: Stack, viewer: Viewer, movie_id: UUID, redis: Redis, rows: Rows
) -> None:
    """A report gets a response, and is stored, cached under the seed's key and sent to Kafka."""
    session_id = viewer.start(movie_id).json["session_id"]

    answer = viewer.report(movie_id, 30, session_id=session_id, sequence=1)

    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["position_seconds"] == 30
    assert answer.json["message"] == "Progress updated successfully"
    (row,) = rows("SELECT * FROM watch_progress WHERE user_id = :user", user=viewer.user_id)
    assert (row["movie_id"], row["position_seconds"]) == (movie_id, 30)
    assert all(row[name] for name in ("id", "created_at", "updated_at", "last_watched_at"))
    key = f"progress:{viewer.user_id}:{movie_id}"
    assert '"position_seconds":30' in str(redis.get(key))
    assert 86390 < redis.ttl(key) <= 86400
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    (event,) = await_events(bootstrap, viewer.user_id, 2)["stream.progress"]
    assert event["action"] == "stream_progress"
    assert (event["position_seconds"], event["sequence"]) == (30, 1)
    assert event["session_id"] == session_id


def test_read_progress(viewer: Viewer, movie_id: UUID, redis: Redis) -> None:
    """The position is the same from Redis and, after Redis has lost it, from PostgreSQL."""
    viewer.start(movie_id)
    viewer.report(movie_id, 30)
    key = f"progress:{viewer.user_id}:{movie_id}"

    cached = viewer.progress(movie_id).json
    redis.delete(key)
    from_record = viewer.progress(movie_id).json

    assert cached == from_record
    assert cached["user_id"] == str(viewer.user_id)
    assert cached["movie_id"] == str(movie_id)
    assert cached["position_seconds"] == 30
    assert cached["duration_seconds"] == 60
    assert cached["completed"] is False
    age = datetime.now(UTC) - clock.parse_iso(cached["last_watched_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert redis.exists(key) == 1


def test_unreadable_cache_value(viewer: Viewer, movie_id: UUID, redis: Redis) -> None:
    """An invalid cached value counts as absent."""
    viewer.report(movie_id, 30)
    for value in ("not json", "[]", "{}", '{"position_seconds": "x"}'):
        redis.set(f"progress:{viewer.user_id}:{movie_id}", value)
        assert viewer.progress(movie_id).json["position_seconds"] == 30


def test_never_watched(viewer: Viewer) -> None:
    """A film without a position is 404."""
    answer = viewer.progress(uuid4())

    assert (answer.status, answer.json["code"]) == (404, "progress_not_found")


def test_resume(viewer: Viewer, movie_id: UUID) -> None:
    """The next start resumes where the last one stopped."""
    viewer.start(movie_id)
    viewer.stop(movie_id, 42)

    assert viewer.start(movie_id).json["resume_position_seconds"] == 42


def test_late_and_repeated_reports(viewer: Viewer, movie_id: UUID) -> None:
    """A late or repeated report does not set the position back; rewinding does."""
    session_id = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 10, session_id=session_id, sequence=1)
    viewer.report(movie_id, 30, session_id=session_id, sequence=3)

    late = viewer.report(movie_id, 20, session_id=session_id, sequence=2)
    repeated = viewer.report(movie_id, 30, session_id=session_id, sequence=3)
    rewound = viewer.report(movie_id, 5, session_id=session_id, sequence=4)

    assert (late.status, late.json["position_seconds"], late.json["applied"]) == (200, 30, False)
    assert (repeated.status, repeated.json["applied"]) == (200, False)
    assert (rewound.json["position_seconds"], rewound.json["applied"]) == (5, True)
    assert viewer.progress(movie_id).json["position_seconds"] == 5


def test_earlier_session(viewer: Viewer, movie_id: UUID) -> None:
    """The position that was watched last wins, whichever session began first."""
    phone = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 3, session_id=phone, sequence=1)
    television = viewer.start(movie_id).json["session_id"]
    viewer.stop(movie_id, 4, session_id=television, sequence=1)

    again = viewer.report(movie_id, 8, session_id=phone, sequence=2)
    repeated = viewer.report(movie_id, 3, session_id=phone, sequence=1)
    stopped = viewer.stop(movie_id, 10, session_id=phone, sequence=3)

    assert (again.json["applied"], again.json["position_seconds"]) == (True, 8)
    assert (repeated.json["applied"], repeated.json["position_seconds"]) == (False, 8)
    assert (stopped.json["applied"], stopped.json["session_ended"]) == (True, True)
    assert viewer.progress(movie_id).json["position_seconds"] == 10
    assert viewer.start(movie_id).json["resume_position_seconds"] == 10


def test_repeats_of_an_earlier_session(viewer: Viewer, movie_id: UUID) -> None:
    """A repeated or late report of one session does not undo another session's report."""
    phone = viewer.start(movie_id).json["session_id"]
    television = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 30, session_id=phone, sequence=5)
    viewer.report(movie_id, 40, session_id=television, sequence=1)

    late = [viewer.report(movie_id, 20, session_id=phone, sequence=each) for each in (4, 5)]

    assert [answer.json["applied"] for answer in late] == [False, False]
    assert viewer.progress(movie_id).json["position_seconds"] == 40


def test_old_report(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A report that was made before the recorded one changes nothing; a later one does."""
    phone = viewer.start(movie_id).json["session_id"]
    television = viewer.start(movie_id).json["session_id"]
    move = "UPDATE stream_sessions SET started_at = started_at - interval '1 hour' WHERE id = :id"
    for session_id in (phone, television):
        rows(move, id=UUID(session_id))
    viewer.report(movie_id, 20, session_id=television, sequence=1, age_seconds=60)
    seen = viewer.progress(movie_id).json["last_watched_at"]

    older = viewer.report(movie_id, 30, session_id=phone, sequence=1, age_seconds=90)
    without_session = viewer.report(movie_id, 31, age_seconds=90.5)
    later = viewer.report(movie_id, 32, session_id=phone, sequence=2, age_seconds=30)

    assert timedelta(minutes=1) <= datetime.now(UTC) - clock.parse_iso(seen)
    assert (older.json["applied"], older.json["position_seconds"]) == (False, 20)
    assert (without_session.json["applied"], later.json["applied"]) == (False, True)
    assert viewer.progress(movie_id).json["position_seconds"] == 32


def test_older_than_its_session(viewer: Viewer, movie_id: UUID) -> None:
    """No report is dated before its session began, whatever its age."""
    viewer.report(movie_id, 20)
    started = datetime.now(UTC) - timedelta(milliseconds=1)
    session_id = viewer.start(movie_id).json["session_id"]

    answer = viewer.report(movie_id, 30, session_id=session_id, sequence=1, age_seconds=86400)

    assert answer.json["applied"] is True
    progress = viewer.progress(movie_id).json
    assert clock.parse_iso(progress["last_watched_at"]) >= started


def test_old_report_without_session(viewer: Viewer, movie_id: UUID) -> None:
    """A report without a session id may be older than the open session."""
    viewer.report(movie_id, 20, age_seconds=600)
    viewer.start(movie_id)

    answer = viewer.report(movie_id, 30, age_seconds=3600)

    assert (answer.json["applied"], answer.json["position_seconds"]) == (False, 20)


@pytest.mark.parametrize("age", [-1, -0.001, 1e300, 10**9, 10**400, "5", True, [], "NaN"])
@pytest.mark.parametrize("call", ["report", "stop"])
def test_hostile_age(viewer: Viewer, movie_id: UUID, rows: Rows, call: str, age: object) -> None:
    """An invalid age is rejected, and nothing is written."""
    answer = getattr(viewer, call)(movie_id, 30, age_seconds=age)

    assert (answer.status, answer.json["code"]) == (422, "invalid_request")
    count = "SELECT 1 FROM watch_progress WHERE user_id = :user"
    assert rows(count, user=viewer.user_id) == []


def test_unordered_reports(viewer: Viewer, movie_id: UUID) -> None:
    """Without session and sequence the last write wins."""
    viewer.report(movie_id, 40)
    viewer.report(movie_id, 20)

    assert viewer.progress(movie_id).json["position_seconds"] == 20


def test_foreign_session(
    stack: Stack, viewer: Viewer, stranger: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A session of another user, or of another film, is 404 and changes nothing."""
    session_id = viewer.start(movie_id).json["session_id"]

    for answer in (
        stranger.report(movie_id, 10, session_id=session_id, sequence=1),
        stranger.stop(movie_id, 10, session_id=session_id),
        viewer.report(uuid4(), 10, session_id=session_id, sequence=1),
    ):
        assert (answer.status, answer.json["code"]) == (404, "session_not_found")
    count = "SELECT 1 FROM watch_progress WHERE user_id IN (:a, :b)"
    assert rows(count, a=viewer.user_id, b=stranger.user_id) == []


def test_completed(viewer: Viewer, movie_id: UUID) -> None:
    """At 90 % of the film it is completed; completed films are not in continue watching."""
    viewer = replace(viewer, send=patient_request)
    other = UUID("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02")
    for film in (movie_id, other):
        viewer.start(film)
        viewer.report(film, 10)
    assert [film["movie_id"] for film in viewer.continue_watching().json["items"]] == [
        str(other),
        str(movie_id),
    ]

    viewer.report(movie_id, 53)
    assert viewer.progress(movie_id).json["completed"] is False
    viewer.report(movie_id, 54)

    assert viewer.progress(movie_id).json["completed"] is True
    assert [film["movie_id"] for film in viewer.continue_watching().json["items"]] == [str(other)]
    assert viewer.continue_watching(limit=1).status == 200
    assert viewer.start(movie_id).json["completed"] is True


def test_stop(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A stop saves the position, ends the session with its duration and sends one event."""
    session_id = viewer.start(movie_id).json["session_id"]

    answer = viewer.stop(movie_id, 42, session_id=session_id, sequence=7)

    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["position_seconds"] == 42
    assert answer.json["message"] == "Streaming stopped successfully"
    assert answer.json["session_id"] == session_id
    assert answer.json["duration_seconds"] >= 0
    (row,) = rows("SELECT * FROM stream_sessions WHERE id = :id", id=UUID(session_id))
    assert row["ended_at"] >= row["started_at"]
    assert row["duration_seconds"] == answer.json["duration_seconds"]
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    (event,) = await_events(bootstrap, viewer.user_id, 2)["stream.stop"]
    assert event["action"] == "stream_stop"
    assert (event["session_id"], event["position_seconds"]) == (session_id, 42)


def test_repeated_stop(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A repeated stop returns the same session, saves the position and sends nothing more."""
    session_id = viewer.start(movie_id).json["session_id"]
    first = viewer.stop(movie_id, 42, session_id=session_id, sequence=7)

    again = viewer.stop(movie_id, 43, session_id=session_id, sequence=8)

    assert again.json["session_id"] == session_id
    assert again.json["duration_seconds"] == first.json["duration_seconds"]
    assert viewer.progress(movie_id).json["position_seconds"] == 43
    viewer.start(movie_id)
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    events = await_events(bootstrap, viewer.user_id, 3)
    assert len(events["stream.stop"]) == 1


def test_stop_without_session(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Without an open session a stop still saves the position."""
    answer = viewer.stop(movie_id, 33)

    assert answer.status == 200
    assert answer.json["session_id"] is None
    assert answer.json["duration_seconds"] is None
    assert viewer.progress(movie_id).json["position_seconds"] == 33
    assert rows("SELECT 1 FROM event_outbox WHERE key = :key", key=str(viewer.user_id)) == []


def test_report_after_stop(viewer: Viewer, movie_id: UUID) -> None:
    """A report that arrives after the stop of its session changes nothing."""
    session_id = viewer.start(movie_id).json["session_id"]
    viewer.stop(movie_id, 42, session_id=session_id)

    answer = viewer.report(movie_id, 30, session_id=session_id, sequence=99)

    assert (answer.status, answer.json["applied"]) == (200, False)
    assert answer.json["session_ended"] is True
    assert viewer.progress(movie_id).json["position_seconds"] == 42


def test_heartbeat(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Each report, with or without the session's id, is the heartbeat of the session."""
    session_id = viewer.start(movie_id).json["session_id"]
    heartbeat = "SELECT last_heartbeat_at AS at FROM stream_sessions WHERE id = :id"
    beats = [rows(heartbeat, id=UUID(session_id))[0]["at"]]

    viewer.report(movie_id, 10, session_id=session_id, sequence=1)
    beats.append(rows(heartbeat, id=UUID(session_id))[0]["at"])
    viewer.report(movie_id, 20)
    beats.append(rows(heartbeat, id=UUID(session_id))[0]["at"])

    assert beats == sorted(set(beats))
