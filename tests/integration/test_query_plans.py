"""The plans of the service's queries on tables of some size, as ``make explain`` shows them."""

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.query_plans.__main__ import explain
from benchmarks.query_plans.plans import Plan
from benchmarks.query_plans.server import running

SESSIONS = 50_000
FILLED = {
    "stream_sessions",
    "watch_progress",
    "films",
    "event_outbox",
    "event_dead_letters",
    "idempotency_keys",
}
# Small tables, and a chore that takes most of its rows.
READ_WHOLLY = {
    "relay the outbox": {"event_outbox"},
    "measure the outbox": {"event_outbox", "event_dead_letters"},
    "positions in films that never were": {"films"},
    "films to check": {"films"},
    "films checked": {"films"},
}

Plans = Mapping[str, Sequence[Plan]]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    """The plans of each call."""
    with running(tmp_path_factory.mktemp("explain")) as server:
        found, _ = explain(server, SESSIONS)
    return found


def indexes(plans: Plans, call: str) -> set[str]:
    """Return the indexes that a call uses."""
    return {index for plan in plans[call] for index in plan.indexes}


def test_every_call_is_explained(plans: Plans) -> None:
    """Each call has at least one plan, with its time and its pages."""
    assert len(plans) > 20
    for call, found in plans.items():
        assert found, call
        assert sum(plan.pages for plan in found) > 0, call


def test_no_call_reads_a_whole_table(plans: Plans) -> None:
    """No request reads all rows of a table; chores do so with small tables only."""
    whole = {
        call: {table for plan in found for table in plan.tables_read_wholly}
        for call, found in plans.items()
    }
    assert {
        call: (tables & FILLED) - READ_WHOLLY.get(call, set()) for call, tables in whole.items()
    } == {call: set() for call in plans}


def test_continue_watching_reads_the_rows_of_its_user(plans: Plans) -> None:
    """It finds the positions of the user by the key of the table, and sorts them."""
    assert "watch_progress_user_id_movie_id_key" in indexes(plans, "continue watching")


def test_abandoned_sessions_are_found_among_the_open_ones(plans: Plans) -> None:
    """Housekeeping reads the open sessions only."""
    assert "stream_sessions_open_id" in indexes(plans, "end abandoned sessions")


def test_films_in_use_are_found_by_the_ids_of_sessions(plans: Plans) -> None:
    """The sessions of the last hour are found by their ids, which begin with their time."""
    assert indexes(plans, "films in use") == {"stream_sessions_pkey"}
