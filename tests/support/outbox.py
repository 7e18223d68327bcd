"""Plays films, and inspects the events that were not sent to Kafka immediately."""

from uuid import UUID

from tests.conftest import Rows
from tests.support.functions import Viewer, event, forget_environment, invoke
from tests.support.waiting import bounded_wait, eventually


def play_through(viewer: Viewer, movie_id: UUID) -> None:
    """Start, report and stop; each succeeds, whether its event is sent or stored."""
    with bounded_wait():
        started = viewer.start(movie_id)
        session_id = started.json["session_id"]
        reported = viewer.report(movie_id, 5, session_id=session_id, sequence=1)
        stopped = viewer.stop(movie_id, 6, session_id=session_id, sequence=2)
    assert (started.status, reported.status, stopped.status) == (200, 200, 200)


def waiting(rows: Rows, viewer: Viewer) -> list[str]:
    """Return the topics of the user's messages in the outbox."""
    statement = "SELECT topic FROM event_outbox WHERE key = :key ORDER BY id"
    return [row["topic"] for row in rows(statement, key=str(viewer.user_id))]


def relay(rows: Rows) -> None:
    """Run housekeeping with all events of the outbox old enough."""
    rows(
        "UPDATE event_outbox"
        " SET created_at = created_at - interval '1 minute', next_attempt_at = NULL"
    )
    invoke("housekeeping", event("housekeeping"))


def drain(rows: Rows, *, forget: bool = True) -> None:
    """Run housekeeping until the outbox is empty."""
    if forget:
        forget_environment()

    def is_empty() -> bool:
        relay(rows)
        return not rows("SELECT 1 FROM event_outbox LIMIT 1")

    eventually(is_empty, seconds=60)


def play_until_direct(viewer: Viewer, movie_id: UUID, rows: Rows, seconds: float = 30) -> int:
    """Play until this environment sends all events immediately; return the number of attempts.

    Brokers that have just started are slow, and a circuit breaker pauses after each failure.
    """
    plays = 0

    def is_direct() -> bool:
        nonlocal plays
        plays += 1
        play_through(viewer, movie_id)
        if not waiting(rows, viewer):
            return True
        drain(rows, forget=False)
        return False

    eventually(is_direct, seconds)
    return plays
