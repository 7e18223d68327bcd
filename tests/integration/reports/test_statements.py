"""The statements of the reports: one snapshot, and no reading of events."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from streaming.config.database import DatabaseSettings
from streaming.domain.viewing import ALL_FILMS
from streaming.repository.analytics import figures
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction
from tests.integration.reports.calls import FIRST, LAST, report
from tests.support.functions import Json, Response
from tests.support.waiting import eventually


def test_figures_of_a_report_agree_while_batches_are_stored(counted: str) -> None:
    """A batch that is stored while a report is read is in all of its figures, or in none."""
    always = {"from": "2026-01-01", "to": "2026-12-31"}
    with (
        closing(Database(DatabaseSettings(counted))) as database,
        closing(Database(DatabaseSettings(counted))) as watching,
        ThreadPoolExecutor() as executor,
    ):

        def store(transaction: Transaction) -> Future[Response]:
            transaction.rows("LOCK TABLE analytics_breakdown")
            reading = executor.submit(report, "overview", **always)
            assert eventually(lambda: watching.query(WAITING))
            transaction.rows("UPDATE analytics_days SET views = views + 1000")
            return reading

        body = database.run(store).result().json
        database.query("UPDATE analytics_days SET views = views - 1000")

    assert sum(day["measures"]["views"] for day in body["days"]) == body["total"]["views"]
    assert body["total"] == body["all_time"]


WAITING = """
    SELECT 1 FROM pg_locks WHERE NOT granted AND relation = CAST('analytics_breakdown' AS regclass)
"""

PAGE = {"first", "last", "limit", "offset"}
STATEMENTS = {
    "total": (figures.TOTAL, {"movie_id", "first", "last"}),
    "days": (figures.BY_DAY, {"movie_id", "first", "last"}),
    "breakdown": (figures.BREAKDOWN, {"movie_id", "first", "last"}),
    "curve": (figures.CURVE, {"movie_id", "first", "last"}),
    "films": (figures.in_order("views", descending=True), PAGE),
    "films by viewers": (figures.in_order("unique_viewers", descending=True), PAGE),
    "minutes": (figures.MINUTES, {"movie_id", "first", "end", "seconds"}),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_reports_read_figures_only(counted: str, name: str) -> None:
    """No report reads events, sessions or viewers: its cost does not grow with them."""
    statement, names = STATEMENTS[name]
    values = {
        "movie_id": str(ALL_FILMS),
        "first": FIRST,
        "last": LAST,
        "end": LAST,
        "seconds": 60,
        "limit": 50,
        "offset": 0,
    }

    def work(transaction: Any) -> Any:
        transaction.rows("SELECT set_config('enable_seqscan', 'off', true)")
        given = {each: values[each] for each in names}
        return transaction.rows(f"EXPLAIN (FORMAT JSON) {statement}", **given)

    with closing(Database(DatabaseSettings(counted))) as database:
        (row,) = database.run(work)
    nodes = list(nodes_of(row["QUERY PLAN"][0]["Plan"]))
    tables = {node["Relation Name"] for node in nodes if "Relation Name" in node}
    kinds = {node["Node Type"] for node in nodes if "Relation Name" in node}

    assert tables <= {
        "analytics_days",
        "analytics_returns",
        "analytics_breakdown",
        "analytics_curves",
        "analytics_minutes_2026_10",
        "analytics_minutes_2026_11",
    }
    assert "Seq Scan" not in kinds, json.dumps(row["QUERY PLAN"])


def nodes_of(plan: Json) -> Iterator[Json]:
    """Yield the nodes of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)
