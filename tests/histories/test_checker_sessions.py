"""The checker finds sessions that do not end, are opened twice, or exceed the limit."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.histories.model import Place
from tests.histories.operations import Disturbance
from tests.histories.perfect_service import STARTED_AT
from tests.histories.sequential_history import ANNA, FILM, Tale


def test_a_negative_duration_is_found(tale: Tale) -> None:
    """A session's end comes after its start."""
    sessions = {
        name: replace(row, ended_at=STARTED_AT - timedelta(seconds=1))
        for name, row in tale.service.evidence().sessions.items()
    }

    assert tale.promises_broken(sessions=sessions) == {"a session does not end before it starts"}


def test_a_session_that_was_not_ended_is_found(tale: Tale) -> None:
    """An acknowledged stop has ended its session."""
    sessions = {
        name: replace(row, ended_at=None) for name, row in tale.service.evidence().sessions.items()
    }

    assert "what was acknowledged stays on record" in tale.promises_broken(sessions=sessions)


def test_a_stop_that_misses_a_session(tale: Tale) -> None:
    """A stop without a session id may miss only a session whose start overlaps it."""
    start = tale.tell("start")
    film = tale.service.films[ANNA, FILM]
    tale.service.films[ANNA, FILM] = film.report(50, Place(None, None))
    asked = tale.asked("stop", ANNA, position_seconds=50)
    answer = {"position_seconds": 50, "session_id": None, "applied": True, "session_ended": False}
    stop = tale.record(asked, answer)
    assert tale.promises_broken() == {"a response matches its effect"}

    index = tale.operations.index(stop)
    tale.operations[index] = replace(stop, invoked_at=start.answered_at)

    assert tale.promises_broken() == set()


def test_a_second_session_for_a_key_is_found(tale: Tale) -> None:
    """A start that is repeated with its Idempotency-Key opens no second session."""
    tale.tell("start", key="once")
    tale.tell("start", "bert", key="once")
    assert tale.promises_broken() == set()

    tale.tell("start", key="once")

    assert tale.promises_broken() == {"a key opens one session"}


def test_a_repeat_that_answers_an_ended_session_is_found(tale: Tale) -> None:
    """The repeat of a start returns its session while that is open, and a refusal then."""
    first = tale.tell("start", key="once")
    repeat = tale.asked("start", ANNA, key="once")
    tale.record(repeat, {**first.answer, "resume_position_seconds": 30})
    assert tale.promises_broken() == set()
    refused = replace(tale.asked("start", ANNA, key="once"), status=409)
    tale.operations.append(replace(refused, answer={"code": "session_ended"}))
    assert tale.promises_broken() == {"a response matches its effect"}
    tale.operations.pop()

    session_id = first.answer["session_id"]
    tale.tell("stop", position_seconds=40, session_id=session_id)
    refused = replace(tale.asked("start", ANNA, key="once"), status=409)
    tale.operations.append(replace(refused, answer={"code": "session_ended"}))
    assert tale.promises_broken() == set()
    repeat = tale.asked("start", ANNA, key="once")
    tale.record(repeat, {**first.answer, "resume_position_seconds": 40})
    assert tale.promises_broken() == {"a response matches its effect"}


def test_a_start_that_waits_for_itself_is_found(tale: Tale) -> None:
    """A key is in use only while another attempt with it runs, or may still be running."""
    refused = replace(tale.asked("start", ANNA, key="once"), status=409)
    refused = replace(refused, answer={"code": "request_in_progress"})
    tale.operations.append(refused)
    assert tale.promises_broken() == {"a start waits only for a running try"}
    tale.operations.pop()

    tale.lose("start", happens=False, key="once")
    later = replace(refused, number=refused.number + 1, invoked_at=refused.invoked_at + 1)
    tale.operations.append(replace(later, answered_at=later.invoked_at + 0.1))
    assert tale.promises_broken() == set()

    # A refused start releases its key, unless the database is unavailable.
    tale.operations[-2] = replace(tale.operations[-2], status=404, answer={"code": "no_film"})
    assert tale.promises_broken() == {"a start waits only for a running try"}
    away = Disturbance("cut postgres", later.invoked_at - 1, later.invoked_at - 1)
    assert tale.promises_broken((away,)) == set()


@pytest.mark.parametrize("what", ["nothing", "stop", "kill redis", "Redis is late"])
def test_a_stream_too_many_is_found(what: str) -> None:
    """No start succeeds while the limit of other sessions run, unless Redis cannot count them."""
    tale = Tale()
    first = tale.tell("start")
    if what == "stop":
        tale.tell("stop", position_seconds=9, session_id=first.answer["session_id"])
    tale.tell("start")
    disturbances = (Disturbance("kill redis", 1.5, 1.6),) if what == "kill redis" else ()
    evidence = {"redis_failures": (1.5,)} if what == "Redis is late" else {}

    broken = tale.promises_broken(disturbances, {ANNA: 1}, **evidence)

    assert broken == ({"the stream limit is kept"} if what == "nothing" else set())
    assert tale.promises_broken(disturbances, {ANNA: 2}, **evidence) == set()
