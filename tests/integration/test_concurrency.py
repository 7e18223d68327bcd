"""Concurrent calls, each in a separate execution environment."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.support.functions import ExecutionEnvironment, Response, Viewer
from tests.support.kafka import await_events
from tests.support.threads import at_once

FIFTY = 50
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture(scope="module")
def environments() -> Iterator[list[ExecutionEnvironment]]:
    """Fifty execution environments."""
    made = [ExecutionEnvironment() for _ in range(FIFTY)]
    yield made
    for each in made:
        each.close()


@pytest.mark.parametrize("names_session", [True, False])
def test_fifty_stops(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    rows: Rows,
    environments: list[ExecutionEnvironment],
    names_session: bool,  # noqa: FBT001
) -> None:
    """Of fifty concurrent stops one ends the session, with one event; the last report counts."""
    session_id = viewer.start(movie_id).json["session_id"]
    before = rows(DEADLOCKS)

    def stop(number: int) -> Response:
        fields: dict[str, Any] = {"session_id": session_id, "sequence": number}
        return viewer.stop(movie_id, number, **(fields if names_session else {}))

    answers = at_once(environments, viewer, stop)

    assert [answer.status for answer in answers] == [200] * FIFTY
    stopped = Counter(answer.json["session_id"] for answer in answers)
    assert stopped[session_id] == (FIFTY if names_session else 1)
    assert rows(DEADLOCKS) == before
    (session,) = rows("SELECT * FROM stream_sessions WHERE user_id = :user", user=viewer.user_id)
    assert session["ended_at"] is not None
    if names_session:
        assert viewer.progress(movie_id).json["position_seconds"] == FIFTY - 1
    viewer.start(movie_id)
    events = await_events(
        stack.environment["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id, 2, topic="stream.start"
    )["stream.stop"]
    assert [event["session_id"] for event in events] == [session_id]
    assert len({event["event_id"] for event in events}) == 1


def test_fifty_first_reports(
    viewer: Viewer, movie_id: UUID, rows: Rows, environments: list[ExecutionEnvironment]
) -> None:
    """After fifty concurrent first reports, the position that was watched last is kept."""
    sessions = [viewer.start(movie_id).json["session_id"] for _ in range(5)]
    begin = "UPDATE stream_sessions SET started_at = started_at - interval '1 hour'"
    rows(f"{begin} WHERE user_id = :user", user=viewer.user_id)
    before = rows(DEADLOCKS)

    began = time.monotonic()

    def report(number: int) -> Response:
        session_id = sessions[number % len(sessions)]
        order = {"session_id": session_id, "sequence": number}
        # A repeat increases the age.
        age_seconds = 10 * (FIFTY - number) + time.monotonic() - began
        return viewer.report(movie_id, number, **order, age_seconds=age_seconds)

    answers = at_once(environments, viewer, report)

    assert [answer.status for answer in answers] == [200] * FIFTY
    assert rows(DEADLOCKS) == before
    assert viewer.progress(movie_id).json["position_seconds"] == FIFTY - 1
    (row,) = rows("SELECT * FROM watch_progress WHERE user_id = :user", user=viewer.user_id)
    assert (str(row["session_id"]), row["sequence"]) == (sessions[-1], FIFTY - 1)
    applied = sum(answer.json["applied"] for answer in answers)
    assert row["version"] == applied


def test_reports_around_a_stop(
    viewer: Viewer, movie_id: UUID, environments: list[ExecutionEnvironment]
) -> None:
    """A report between a session's reports and its stop never overrides the stop."""
    session_id = viewer.start(movie_id).json["session_id"]

    def call(number: int) -> Response:
        if number == FIFTY // 2:
            return viewer.stop(movie_id, 55, session_id=session_id)
        return viewer.report(movie_id, number, session_id=session_id)

    answers = at_once(environments, viewer, call)

    assert [answer.status for answer in answers] == [200] * FIFTY
    assert viewer.progress(movie_id).json["position_seconds"] == 55
    reports = [answer.json for answer in answers if "session_id" not in answer.json]
    assert all(report["applied"] != report["session_ended"] for report in reports)
