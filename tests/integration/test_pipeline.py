"""Transactions in one round trip, at the server and through a transaction pooler."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from urllib.parse import urlsplit
from uuid import uuid4

import pg8000.native
import pytest

from local.ports import free_ports
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository.connector import connect
from streaming.repository.database import Database
from streaming.repository.pipeline_connection import Row, Statement
from streaming.repository.prepared import KEEP_PLANS
from streaming.repository.report_sql import SELECT_OUTCOME
from streaming.repository.transaction import Transaction
from tests.conftest import Rows
from tests.support.pgbouncer import PgBouncer
from tests.support.tcp_proxy import TcpProxy
from tests.support.trip_proxy import TripProxy
from tests.support.waiting import eventually

INSERT = "INSERT INTO pipelined (id, value) VALUES (:id, :value) ON CONFLICT (id) DO NOTHING"
RAISE = "UPDATE pipelined SET value = greatest(value, :value) WHERE id = :id"
SELECT = "SELECT value FROM pipelined WHERE id = :id"
LOCKED = """
    SELECT 1 FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE '%pipelined%'
"""


@pytest.fixture(params=["server", "pooler"])
def faults(request: pytest.FixtureRequest, stack: Stack) -> Iterator[TcpProxy]:
    """A proxy that injects faults, in front of the server or of a pooler."""
    with ExitStack() as opened:
        port = stack.postgres.port
        if request.param == "pooler":
            pooler = PgBouncer(free_ports(1)[0], stack.state, stack.postgres, default_pool_size=2)
            opened.callback(pooler.stop)
            pooler.start()
            port = pooler.port
        yield opened.enter_context(TcpProxy(port))


@pytest.fixture
def proxy(faults: TcpProxy) -> Iterator[TripProxy]:
    """A proxy that counts round trips."""
    with TripProxy(faults.port) as proxy:
        yield proxy


@pytest.fixture
def database(stack: Stack, proxy: TripProxy, rows: Rows) -> Iterator[Database]:
    """A connected environment, with a table of its own."""
    url = urlsplit(stack.environment["DATABASE_URL"])
    user = url.netloc.rpartition("@")[0]
    through = url._replace(netloc=f"{user}@127.0.0.1:{proxy.port}").geturl()
    rows("CREATE TABLE pipelined (id integer PRIMARY KEY, value integer)")
    opened = Database(DatabaseSettings(through))
    opened.query("SELECT 1")
    yield opened
    opened.close()
    rows("DROP TABLE pipelined")


def test_a_transaction_is_one_round_trip(database: Database, proxy: TripProxy) -> None:
    """Several statements take one round trip; values keep their types, and rows their order."""
    at, user_id = datetime(2026, 3, 1, 20, 0, 0, 123456, UTC), uuid4()
    before = proxy.trips
    inserted, typed, several = database.pipeline(
        Statement(INSERT, {"id": 1, "value": 5}),
        Statement(
            """
            SELECT CAST(:at AS timestamptz) AS at, CAST(:user_id AS uuid) AS user_id,
                CAST(:nothing AS integer) AS nothing, CAST(:flag AS boolean) AS flag,
                CAST(:ids AS uuid[]) AS ids, :text || '€' AS text
            """,
            {
                "at": at,
                "user_id": user_id,
                "nothing": None,
                "flag": True,
                "ids": [str(user_id)],
                "text": "it's; DROP TABLE pipelined --",
            },
        ),
        Statement("SELECT n FROM generate_series(1, :last) AS n", {"last": 3}),
    )
    assert proxy.trips - before == 1
    assert inserted == []
    assert typed == [
        {
            "at": at,
            "user_id": user_id,
            "nothing": None,
            "flag": True,
            "ids": [user_id],
            "text": "it's; DROP TABLE pipelined --€",
        }
    ]
    assert [row["n"] for row in several] == [1, 2, 3]


def test_an_error_in_the_middle(database: Database, rows: Rows, faults: TcpProxy) -> None:
    """The first error is raised, nothing is committed, and the connection is used further."""
    connections = faults.accepted
    with pytest.raises(pg8000.native.DatabaseError, match="division by zero"):
        database.pipeline(
            Statement(INSERT, {"id": 1, "value": 5}),
            Statement("SELECT 1 / CAST(:zero AS integer)", {"zero": 0}),
            Statement("SELECT * FROM nowhere", {}),
        )
    assert rows(SELECT, id=1) == []
    assert database.query("SELECT 'own' AS own") == [{"own": "own"}]
    assert faults.accepted == connections


def test_a_later_statement_sees_what_an_earlier_one_waited_for(
    stack: Stack, database: Database, rows: Rows
) -> None:
    """After a wait for a row, the next statement sees what its holder has committed elsewhere."""
    rows(INSERT, id=1, value=5)
    rows(INSERT, id=2, value=5)

    def hold(transaction: Transaction) -> None:
        transaction.rows(RAISE, id=1, value=7)
        transaction.rows(RAISE, id=2, value=8)
        waiting.append(pool.submit(database.pipeline, *statements))
        eventually(lambda: bool(rows(LOCKED)))

    statements = [Statement(RAISE, {"id": 1, "value": 6}), Statement(SELECT, {"id": 2})]
    waiting: list[Future[list[list[Row]]]] = []
    with ThreadPoolExecutor() as pool, ExitStack() as opened:
        other = Database(DatabaseSettings(stack.environment["DATABASE_URL"]))
        opened.callback(other.close)
        other.run(hold)
        (result,) = waiting
        assert result.result() == [[], [{"value": 8}]]
    assert rows(SELECT, id=1) == [{"value": 7}]


def test_a_peer_that_dies_in_the_middle_of_the_answers(
    database: Database, faults: TcpProxy, rows: Rows
) -> None:
    """At whichever byte of its answers the connection is cut, the result is that of one run."""
    for byte in count():
        database.query("SELECT 1")  # the former cut may have come after the last answer
        cuts = faults.cuts
        faults.cut_once(at_byte=byte)
        inserted, found = database.pipeline(
            Statement(f"{INSERT} RETURNING value", {"id": byte, "value": byte}),
            Statement(SELECT, {"id": byte}),
        )
        faults.pass_through()
        assert found == [{"value": byte}]
        assert rows(SELECT, id=byte) == found
        assert inserted in (found, [])
        if faults.cuts == cuts:
            break
    assert byte > 100


def test_a_value_that_cannot_be_encoded(database: Database, rows: Rows) -> None:
    """Nothing is sent of a transaction with a value that cannot be encoded."""
    with pytest.raises(DatabaseUnavailable):
        database.pipeline(
            Statement(INSERT, {"id": 1, "value": 5}), Statement("SELECT :t", {"t": "\ud800"})
        )
    assert rows(SELECT, id=1) == []
    assert database.query("SELECT 'own' AS own") == [{"own": "own"}]


def test_a_kept_plan_is_made_once_for_a_connection(stack: Stack) -> None:
    """The statement is prepared once, whether or not its transactions are committed."""
    with closing(Database(DatabaseSettings(stack.environment["DATABASE_URL"]))) as database:
        kept = Statement(
            "SELECT 1 / CAST(:number AS integer) AS quotient", {"number": 1}, keeps_plan=True
        )
        fails = replace(kept, parameters={"number": 0})
        never_read = Statement("SELECT 'later' AS told", {}, keeps_plan=True)
        with pytest.raises(pg8000.native.DatabaseError, match="division by zero"):
            database.pipeline(fails, never_read)
        assert prepared(database) == [kept.sql.replace(":number", "$1")]

        for _ in range(3):
            assert database.pipeline(kept, never_read) == [[{"quotient": 1}], [{"told": "later"}]]
        assert len(prepared(database)) == 2


def prepared(database: Database) -> list[str]:
    """Return the statements that the connection has prepared by name."""
    rows = database.query("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
    return [row["statement"] for row in rows]


def test_kept_plans_where_sessions_are_shared(
    database: Database, proxy: TripProxy, stack: Stack
) -> None:
    """Several environments get right answers also from a pooler that keeps no statements.

    From then on they prepare none, and need one round trip again.
    """
    url = urlsplit(stack.environment["DATABASE_URL"])
    user = url.netloc.rpartition("@")[0]
    through = url._replace(netloc=f"{user}@127.0.0.1:{proxy.port}").geturl()
    with ExitStack() as opened:
        others = [
            opened.enter_context(closing(Database(DatabaseSettings(through)))) for _ in range(4)
        ]
        for number in range(20):
            for each in (database, *others):
                statements = [
                    Statement(INSERT, {"id": number, "value": number}, keeps_plan=True),
                    Statement(SELECT, {"id": number}, keeps_plan=True),
                ]
                assert each.pipeline(*statements)[1] == [{"value": number}]
        before = proxy.trips
        for each in (database, *others):
            each.pipeline(*statements)
        assert proxy.trips - before == 1 + len(others)


def test_kept_plans_after_a_migration(database: Database, rows: Rows) -> None:
    """A statement whose columns have other types since then is sent without its name."""
    kept = [
        Statement(INSERT, {"id": 1, "value": 5}, keeps_plan=True),
        Statement("SELECT pipelined.* FROM pipelined", {}, keeps_plan=True),
    ]
    assert database.pipeline(*kept)[1] == [{"id": 1, "value": 5}]
    rows("ALTER TABLE pipelined ADD COLUMN later text, ALTER COLUMN value TYPE text")

    assert database.pipeline(*kept)[1] == [{"id": 1, "value": "5", "later": None}]


@pytest.mark.parametrize("settings", ["", KEEP_PLANS])
def test_kept_plans_use_an_index_of_an_empty_outbox(stack: Stack, settings: str) -> None:
    """Otherwise a plan from good times would read the whole outbox in an outage of Kafka."""
    sql, _ = pg8000.native.to_statement(SELECT_OUTCOME)
    with closing(connect(stack.environment["DATABASE_URL"])) as connection:
        connection.script(f"BEGIN; TRUNCATE event_outbox; ANALYZE event_outbox; {settings}")
        lines = connection.script(f"EXPLAIN (GENERIC_PLAN) {sql}")[0]
        connection.script("ROLLBACK")

    plan = "\n".join(line["QUERY PLAN"] for line in lines)
    assert ("Seq Scan on event_outbox" in plan) is not bool(settings), plan
