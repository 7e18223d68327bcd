"""Personal data are deleted after the retention period, and not before."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from streaming.domain import clock
from streaming.domain.identifiers import first_uuid7, uuid7
from tests.conftest import Rows
from tests.support.functions import Viewer, event, forget_environment, invoke

pytestmark = pytest.mark.own_servers

INSERT_SESSION = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at, ended_at,
        player_agent, player_address
    )
    VALUES (:id, :user_id, :movie_id, 'hls', :started_at, :at, :ended_at, 'player', '192.0.2.0')
"""

INSERT_DEAD_LETTER = """
    INSERT INTO event_dead_letters (
        event_id, topic, key, value, created_at, attempts, error, died_at
    )
    VALUES (:event_id, 'stream.stop', 'key', '{}', :died_at, 1, 'refused', :died_at)
"""


def days_ago(days: float) -> datetime:
    """Return the time that many days ago."""
    return clock.now() - timedelta(days=days)


def put_session(
    rows: Rows, user_id: UUID, movie_id: UUID, *, started: float, ended: float | None
) -> UUID:
    """Insert a session that started and ended that many days ago; return its id."""
    started_at = days_ago(started)
    ended_at = days_ago(ended) if ended is not None else None
    session_id = uuid7(clock.milliseconds(started_at))
    rows(
        INSERT_SESSION,
        id=session_id,
        user_id=user_id,
        movie_id=movie_id,
        started_at=started_at,
        at=ended_at or clock.now(),
        ended_at=ended_at,
    )
    return session_id


def addresses(rows: Rows, session_id: UUID) -> list[tuple[str | None, str | None]]:
    """Return IP address and user agent of a session; nothing if it is deleted."""
    statement = "SELECT player_address, player_agent FROM stream_sessions WHERE id = :id"
    return [(row["player_address"], row["player_agent"]) for row in rows(statement, id=session_id)]


def test_old_sessions_are_deleted_and_positions_stay(
    viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A session that ended over thirty days ago is deleted; its film still resumes."""
    old = put_session(rows, viewer.user_id, movie_id, started=31, ended=30.1)
    viewer.report(movie_id, 25)

    invoke("housekeeping", event("housekeeping"))

    assert addresses(rows, old) == []
    assert viewer.start(movie_id).json["resume_position_seconds"] == 25


def test_addresses_are_removed_from_what_is_not_deleted_yet(
    viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A session that began over thirty days ago and ended later loses its address; others not."""
    long = put_session(rows, viewer.user_id, movie_id, started=30.1, ended=29)
    still_open = put_session(rows, viewer.user_id, movie_id, started=30.2, ended=None)
    recent = put_session(rows, viewer.user_id, movie_id, started=29.9, ended=29)

    invoke("housekeeping", event("housekeeping"))

    assert addresses(rows, long) == [(None, None)]
    assert addresses(rows, still_open) == [(None, None)]
    assert addresses(rows, recent) == [("192.0.2.0", "player")]


def test_addresses_that_former_versions_stored_are_removed(
    viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """The columns of former versions are emptied after the same time as the present ones."""
    old = put_session(rows, viewer.user_id, movie_id, started=30.1, ended=29)
    recent = put_session(rows, viewer.user_id, movie_id, started=29.9, ended=29)
    rows(
        """
        UPDATE stream_sessions
        SET user_agent = player_agent, ip_address = player_address,
            player_agent = NULL, player_address = NULL
        WHERE id IN (:old, :recent)
        """,
        old=old,
        recent=recent,
    )

    invoke("housekeeping", event("housekeeping"))

    kept = rows(
        """
        SELECT id, user_agent, ip_address
        FROM stream_sessions
        WHERE id IN (:old, :recent)
        ORDER BY id
        """,
        old=old,
        recent=recent,
    )
    assert [(row["user_agent"], row["ip_address"]) for row in kept] == [
        (None, None),
        ("player", "192.0.2.0"),
    ]


def test_old_dead_letters_are_deleted(environment: dict[str, str], rows: Rows) -> None:
    """A dead letter of over thirty days ago is deleted; a later one can still be put back."""
    old, recent = uuid4(), uuid4()
    rows(INSERT_DEAD_LETTER, event_id=old, died_at=days_ago(30.1))
    rows(INSERT_DEAD_LETTER, event_id=recent, died_at=days_ago(29.9))

    invoke("housekeeping", event("housekeeping"))

    statement = "SELECT event_id FROM event_dead_letters WHERE event_id IN (:old, :recent)"
    assert [row["event_id"] for row in rows(statement, old=old, recent=recent)] == [recent]
    rows("TRUNCATE event_dead_letters")


def test_time_can_be_set(
    viewer: Viewer, movie_id: UUID, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PERSONAL_DATA_RETENTION_DAYS sets the retention period."""
    monkeypatch.setenv("PERSONAL_DATA_RETENTION_DAYS", "7")
    forget_environment()
    old = put_session(rows, viewer.user_id, movie_id, started=7.2, ended=7.1)
    recent = put_session(rows, viewer.user_id, movie_id, started=6.9, ended=6.9)

    invoke("housekeeping", event("housekeeping"))

    assert addresses(rows, old) == []
    assert addresses(rows, recent) == [("192.0.2.0", "player")]


def test_many_are_forgotten_in_one_run(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A first run over years of sessions continues batch by batch within its time."""
    at = days_ago(400)
    ids = [str(uuid7(clock.milliseconds(at))) for _ in range(1300)]
    statement = """
        INSERT INTO stream_sessions (
            id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at, ended_at
        )
        SELECT id, :user_id, :movie_id, 'hls', :at, :at, :at
        FROM unnest(CAST(:ids AS uuid[])) AS id
    """
    rows(statement, user_id=viewer.user_id, movie_id=movie_id, at=at, ids=ids)

    done = invoke("housekeeping", event("housekeeping"))

    assert done["forgotten"] >= 1300
    assert rows("SELECT 1 FROM stream_sessions WHERE user_id = :id", id=viewer.user_id) == []


def test_ids_tell_the_age() -> None:
    """The first id of a millisecond is between those of the previous one and its own."""
    for milliseconds in (0x123456789AB, 1_700_000_000_000):
        assert uuid7(milliseconds - 1) < first_uuid7(milliseconds) <= uuid7(milliseconds)
