"""What a request returns and sends that has waited for another one of its session.

Each statement of a pipeline sees what was committed before it begins. What must see the changes of
the request that was waited for is therefore a later statement than the one that waits.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from streaming.repository.transaction import Transaction
from tests.conftest import Rows
from tests.support.functions import ExecutionEnvironment, Response, Viewer
from tests.support.kafka import await_events
from tests.support.waiting import eventually

LOCK = "SELECT 1 FROM stream_sessions WHERE id = :session_id FOR NO KEY UPDATE"
NOTE_SEQUENCE = "UPDATE stream_sessions SET last_sequence = 5 WHERE id = :session_id"
SAVE = """
    UPDATE watch_progress
    SET position_seconds = 50, sequence = 5, version = version + 1
    WHERE user_id = :user_id
"""
END = """
    UPDATE stream_sessions
    SET ended_at = now(), end_reason = :reason, duration_seconds = 1
    WHERE id = :session_id
"""
INSERT_EVENT = """
    INSERT INTO event_outbox (event_id, topic, key, value, next_attempt_at)
    VALUES (:event_id, 'stream.progress', :key, '{}', now() + interval '1 hour')
"""
WAITING = """
    SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%stream_sessions%'
"""
OUTBOX = "SELECT value FROM event_outbox WHERE key = :key ORDER BY id"

Change = Callable[[Transaction], object]
Race = Callable[[Change, Callable[[], Response]], Response]


@pytest.fixture
def session_id(viewer: Viewer, movie_id: UUID) -> UUID:
    """A session with a report at 10 s."""
    started = UUID(viewer.start(movie_id).json["session_id"])
    first = viewer.report(movie_id, 10, session_id=str(started), sequence=1)
    assert first.json["applied"]
    return started


@pytest.fixture
def race(stack: Stack, environment: dict[str, str], rows: Rows, session_id: UUID) -> Race:
    """Make a call that waits for the session until another transaction has made a change."""

    def run(change: Change, call: Callable[[], Response]) -> Response:
        holder, caller = ExecutionEnvironment(environment), ExecutionEnvironment(environment)

        def call_elsewhere() -> Response:
            with caller:
                return call()

        with ThreadPoolExecutor() as pool:

            def hold(transaction: Transaction) -> None:
                transaction.rows(LOCK, session_id=session_id)
                change(transaction)
                answers.append(pool.submit(call_elsewhere))
                eventually(lambda: bool(rows(WAITING)))

            answers: list[Future[Response]] = []
            holder.parts.database.run(hold)
            answer = answers[0].result()
        holder.close()
        caller.close()
        return answer

    return run


def test_a_late_report_returns_the_position_it_waited_for(
    race: Race, viewer: Viewer, movie_id: UUID, session_id: UUID
) -> None:
    """A report that was overtaken while it waited is late, and returns the newer position."""

    def overtake(transaction: Transaction) -> None:
        transaction.rows(NOTE_SEQUENCE, session_id=session_id)
        transaction.rows(SAVE, user_id=viewer.user_id)

    answer = race(
        overtake, lambda: viewer.report(movie_id, 30, session_id=str(session_id), sequence=3)
    )

    assert (answer.status, answer.json["applied"]) == (200, False)
    assert answer.json["position_seconds"] == 50


def test_an_event_stays_behind_one_that_its_report_waited_for(
    race: Race, viewer: Viewer, movie_id: UUID, session_id: UUID, rows: Rows
) -> None:
    """If an event was inserted into the outbox meanwhile, the report's own goes behind it."""

    def insert_event(transaction: Transaction) -> None:
        transaction.rows(INSERT_EVENT, event_id=uuid4(), key=str(viewer.user_id))

    answer = race(
        insert_event, lambda: viewer.report(movie_id, 30, session_id=str(session_id), sequence=3)
    )

    assert (answer.status, answer.json["applied"]) == (200, True)
    first, second = rows(OUTBOX, key=str(viewer.user_id))
    assert first["value"] == "{}"
    assert '"position_seconds":30' in second["value"]


def test_the_event_of_a_stop_stays_behind_one_that_it_waited_for(
    race: Race, viewer: Viewer, movie_id: UUID, session_id: UUID, rows: Rows
) -> None:
    """If an event was inserted into the outbox meanwhile, that of a stop is not sent before it."""

    def insert_event(transaction: Transaction) -> None:
        transaction.rows(INSERT_EVENT, event_id=uuid4(), key=str(viewer.user_id))

    answer = race(
        insert_event, lambda: viewer.stop(movie_id, 30, session_id=str(session_id), sequence=3)
    )

    assert answer.status == 200
    assert len(rows(OUTBOX, key=str(viewer.user_id))) == 2


@pytest.mark.parametrize("reason", [None, "taken_over"])
def test_a_report_sees_the_end_that_it_waited_for(
    race: Race, viewer: Viewer, movie_id: UUID, session_id: UUID, reason: str | None
) -> None:
    """A report that waited for the end of its session changes nothing and says so."""
    answer = race(
        lambda transaction: transaction.rows(END, session_id=session_id, reason=reason),
        lambda: viewer.report(movie_id, 30, session_id=str(session_id), sequence=3),
    )

    assert (answer.status, answer.json["applied"]) == (200, False)
    assert answer.json["session_ended"]
    assert viewer.progress(movie_id).json["position_seconds"] == 10


def test_a_stop_has_one_event_if_it_waited_for_the_end(
    race: Race, stack: Stack, viewer: Viewer, movie_id: UUID, session_id: UUID, rows: Rows
) -> None:
    """A stop that waited for the end of its session by another one inserts no event."""
    answer = race(
        lambda transaction: transaction.rows(END, session_id=session_id, reason="taken_over"),
        lambda: viewer.stop(movie_id, 30, session_id=str(session_id), sequence=3),
    )

    assert answer.status == 200
    assert rows(OUTBOX, key=str(viewer.user_id)) == []
    events = await_events(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id, 2)
    assert not events.get("stream.stop")
