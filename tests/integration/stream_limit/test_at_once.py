"""Of concurrent starts and take-overs, as many succeed as the limit allows."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.conftest import Rows
from tests.integration.stream_limit.streams import open_sessions, start
from tests.support.functions import ExecutionEnvironment, Json, Response, Viewer
from tests.support.threads import at_once

pytestmark = pytest.mark.own_servers


@pytest.fixture
def environments(environment: dict[str, str]) -> Iterator[list[ExecutionEnvironment]]:
    """Ten execution environments."""
    made = [ExecutionEnvironment() for _ in range(10)]
    yield made
    for each in made:
        each.close()


def statuses(answers: list[Response]) -> list[int]:
    """Return the responses, in order."""
    return sorted(answer.status for answer in answers)


def test_ten_starts_at_once(
    couple: Viewer, movie_id: UUID, rows: Rows, environments: list[ExecutionEnvironment]
) -> None:
    """Of ten concurrent starts exactly as many succeed as the limit allows."""
    start(couple, movie_id)

    answers = at_once(environments, couple, lambda number: couple.start(movie_id))

    assert statuses(answers) == [200] + [429] * 9
    assert len(open_sessions(rows, couple)) == 2


def test_ten_take_overs_at_once(
    couple: Viewer, movie_id: UUID, rows: Rows, environments: list[ExecutionEnvironment]
) -> None:
    """After any number of concurrent take-overs, as many streams are open as allowed."""
    start(couple, movie_id)
    body: Json = {"take_over": True}

    at_once(environments, couple, lambda number: couple.start(movie_id, body))

    assert len(open_sessions(rows, couple)) == 2
    live = couple.start(movie_id).json["sessions"]
    assert {each["session_id"] for each in live} == open_sessions(rows, couple)
