"""The checker finds positions that are lost, hidden, set back or another user's."""

from dataclasses import replace

import pytest

from tests.histories.operations import Disturbance
from tests.histories.sequential_history import ANNA, FILM, Tale


def test_a_lost_position_is_found(tale: Tale) -> None:
    """An acknowledged position has to be on record in the end."""
    row = tale.service.evidence().progress[ANNA, FILM]
    older = replace(row, position_seconds=20, sequence=2)

    assert "what was acknowledged stays on record" in tale.promises_broken(
        progress={(ANNA, FILM): older}
    )


def test_a_record_that_vanished_is_found(tale: Tale) -> None:
    """An acknowledged call has to have a record."""
    assert "what was acknowledged stays on record" in tale.promises_broken(progress={}, cached={})


def test_being_set_back_is_found(tale: Tale) -> None:
    """A late report changes nothing, and its response must not claim otherwise."""
    session_id = tale.operations[0].answer["session_id"]
    late = tale.tell("report", position_seconds=15, session_id=session_id, sequence=1)
    tale.respell(late, position_seconds=15, applied=True)

    assert "a response matches its effect" in tale.promises_broken()


def test_a_stale_read_is_found(tale: Tale) -> None:
    """A read returns a position that was acknowledged before it began."""
    read = tale.tell("get")
    tale.respell(read, position_seconds=20)

    assert tale.promises_broken() == {"a read returns the record"}


def test_redis_may_stand_in_for_postgresql(tale: Tale) -> None:
    """While PostgreSQL is unavailable a look-up may return an older position of the same film."""
    away = Disturbance("kill postgres", 5.5, 6.5)
    read = tale.tell("get")
    tale.respell(read, position_seconds=20)
    assert tale.promises_broken(disturbances=(away,)) == set()

    tale.respell(tale.operations[-1], position_seconds=77)
    assert tale.promises_broken(disturbances=(away,)) == {"a read returns the record"}


@pytest.mark.parametrize("seconds", [4, 6])
@pytest.mark.parametrize("what", ["nothing", "part redis", "Redis is late"])
def test_a_hidden_position_is_found(tale: Tale, what: str, seconds: int) -> None:
    """A position may be hidden behind an older one for five seconds, after a fault of Redis."""
    read = tale.tell("get")
    tale.respell(read, position_seconds=20)
    acknowledged_at = tale.operations[-2].answered_at
    invoked_at = acknowledged_at + seconds
    tale.operations[-1] = replace(
        tale.operations[-1], invoked_at=invoked_at, answered_at=invoked_at + 0.1
    )
    disturbances = (Disturbance("part redis", 4.9, 5.0),) if what == "part redis" else ()
    failures = (5.0,) if what == "Redis is late" else ()

    broken = tale.promises_broken(disturbances, redis_failures=failures)

    is_allowed = what != "nothing" and seconds <= 5
    assert broken == (set() if is_allowed else {"a read returns the record"})


def test_a_position_that_was_not_acknowledged_may_be_hidden(tale: Tale) -> None:
    """Redis need not have a position whose report was not acknowledged, until it is repeated."""
    tale.lose("report", happens=True, position_seconds=40)
    tale.tell("start")
    read = tale.tell("get")
    tale.respell(read, position_seconds=30)
    assert tale.promises_broken() == set()
    tale.tell("report", position_seconds=50)
    read = tale.tell("get")
    tale.respell(read, position_seconds=30)

    assert tale.promises_broken() == {"a read returns the record"}


def test_a_read_of_nothing_is_found(tale: Tale) -> None:
    """The response for a film with a position is not that it was never watched."""
    asked = tale.asked("get", ANNA)
    tale.record(asked, {"code": "progress_not_found"})

    assert tale.promises_broken() == {"a read returns the record"}


def test_somebody_elses_position_is_found(tale: Tale) -> None:
    """A response never contains another user's data, even if it names no user."""
    tale.tell("report", "bert", position_seconds=77)
    tale.respell(tale.tell("get"), position_seconds=77)

    assert tale.promises_broken() == {"a read returns the record"}


def test_somebody_elses_name_is_found(tale: Tale) -> None:
    """A response that names a user names the caller."""
    tale.respell(tale.tell("get"), user_id="bert")

    assert tale.promises_broken() == {"a response has only its user's data"}


def test_a_film_left_out_is_found(tale: Tale) -> None:
    """Continue watching lists a started film at its current position."""
    tale.respell(tale.operations[0], duration_seconds=100)
    asked = replace(tale.asked("continue", ANNA), movie_id=None)
    tale.record(asked, {"items": []})

    assert tale.promises_broken() == {"continue watching lists a started film"}


def test_a_cache_that_differs_is_found(tale: Tale) -> None:
    """When all calls have ended, Redis contains the same position as PostgreSQL, or none."""
    cached = dict(tale.service.evidence().cached)
    cached[ANNA, FILM] = {**cached[ANNA, FILM], "position_seconds": 20}

    assert tale.promises_broken(cached=cached) == {"Redis and PostgreSQL agree"}
    assert tale.promises_broken(cached={}) == set()


def test_a_cache_without_a_lost_write(tale: Tale) -> None:
    """Redis may lack the position of a call that was killed after its commit, until a repeat."""
    cached = {
        film: {**entry, "version": 0} for film, entry in tale.service.evidence().cached.items()
    }
    lost = tale.lose("report", happens=True, position_seconds=40)

    assert tale.promises_broken(cached=cached) == set()
    repeated = tale.record(lost, tale.service.take(lost))

    assert repeated.is_acknowledged
    assert tale.promises_broken(cached=cached) == {"Redis and PostgreSQL agree"}
