"""Known problems of PostgreSQL connections, each observed in a real system."""

import json
from contextlib import closing
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

import pg8000.native
import pytest

from local.servers.postgres import USER
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.config.rotating_secrets import Rotating
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import DatabaseUnavailable, MovieNotFound
from streaming.repository.database import Database
from streaming.repository.transaction import Row, Transaction
from streaming.resilience.deadline import stretch
from tests.conftest import Rows
from tests.support.databases import administrator
from tests.support.functions import Viewer, forget_environment
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers


_IS_ALIVE = "SELECT 1 FROM pg_stat_activity WHERE pid = :pid"


def backend(transaction: Transaction) -> int:
    """Return the connection's process id."""
    return int(transaction.rows("SELECT pg_backend_pid() AS pid")[0]["pid"])


def test_poisoned_connection_is_not_reused(database: Database) -> None:
    """After a string that cannot be encoded, the next query gets its own rows and no other."""
    before = database.run(backend)

    def poison(transaction: Transaction) -> None:
        transaction.rows("SELECT 'secret of another user' AS secret")
        transaction.rows("SELECT CAST(:text AS text) AS answer", text="\ud800")

    with pytest.raises(DatabaseUnavailable):
        database.run(poison)

    assert database.run(lambda transaction: transaction.rows("SELECT 1 AS own")) == [{"own": 1}]
    assert database.run(backend) != before


def test_our_own_errors_roll_back(database: Database) -> None:
    """An error of our code rolls the transaction back and keeps the connection."""
    before = database.run(backend)

    def work(transaction: Transaction) -> None:
        transaction.rows("CREATE TABLE undone (id integer)")
        raise MovieNotFound("none")

    with pytest.raises(MovieNotFound):
        database.run(work)

    exists = "SELECT to_regclass('undone') AS found"
    assert database.run(lambda transaction: transaction.rows(exists)) == [{"found": None}]
    assert database.run(backend) == before


def test_a_statement_may_take_its_time(environment: dict[str, str]) -> None:
    """A statement of a patient connection may take longer than connecting may."""
    settings = DatabaseSettings.from_environment(environment)
    with closing(Database(settings, statement_seconds=20)) as patient:
        assert patient.run(lambda transaction: transaction.rows("SELECT pg_sleep(1.2)"))


def test_limits_of_the_server_are_stretched(environment: dict[str, str]) -> None:
    """Where this process has more time for a statement, PostgreSQL gives it as much."""
    stretch(3)
    with closing(Database(DatabaseSettings.from_environment(environment))) as database:
        (shown,) = database.run(lambda transaction: transaction.rows("SHOW statement_timeout"))

    assert shown == {"statement_timeout": "3s"}


def test_server_errors_roll_back(database: Database) -> None:
    """A statement that the server refuses rolls the transaction back and keeps the connection."""
    before = database.run(backend)

    with pytest.raises(pg8000.native.DatabaseError):
        database.run(lambda transaction: transaction.rows("SELECT 1/0"))

    assert database.run(backend) == before


def test_connection_that_dies_between_calls(
    environment: dict[str, str], viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A hundred times the server ends the connection between two calls; each call succeeds."""
    kill = """
        SELECT count(pg_terminate_backend(pid, 1000)) AS killed FROM pg_stat_activity
        WHERE application_name = 'streaming' AND pid <> pg_backend_pid() AND datname IS NOT NULL
    """
    for position in range(100):
        assert viewer.report(movie_id, position).status == 200
        assert rows(kill)[0]["killed"] >= 1
        assert viewer.report(movie_id, position).status == 200


def test_too_many_connections(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """If the server has no free connection, the call fails with 503 after one or two attempts."""
    forget_environment()
    admin = administrator(stack, "postgres")
    refusals = stack.postgres.log.read_text().count("too many connections for role")
    admin.run(f"ALTER ROLE {USER} CONNECTION LIMIT 0")
    try:
        answer = viewer.report(movie_id, 1)
    finally:
        admin.run(f"ALTER ROLE {USER} CONNECTION LIMIT -1")
        admin.close()

    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    tries = stack.postgres.log.read_text().count("too many connections for role") - refusals
    assert 1 <= tries <= 2
    assert viewer.report(movie_id, 1).status == 200


def test_read_only_server_is_dropped(database: Database) -> None:
    """After a failover the old, now read-only connection is closed and the work repeated."""
    attempts: list[int] = []

    def work(transaction: Transaction) -> None:
        attempts.append(backend(transaction))
        if len(attempts) == 1:
            transaction.rows("SET TRANSACTION READ ONLY")
        transaction.rows("CREATE TEMPORARY TABLE written (id integer) ON COMMIT DROP")
        transaction.rows("INSERT INTO schema_migrations (name) VALUES ('x') ON CONFLICT DO NOTHING")
        transaction.rows("DELETE FROM schema_migrations WHERE name = 'x'")

    database.run(backend)
    database.run(work)

    assert len(set(attempts)) == 2


@pytest.mark.parametrize("name", ["idle_session_timeout", "idle_in_transaction_session_timeout"])
def test_session_that_the_server_ends(database: Database, rows: Rows, name: str) -> None:
    """After a session ended with FATAL, for any reason, another one is opened immediately."""

    def work(transaction: Transaction) -> list[Row]:
        pid = backend(transaction)
        if pid == ended:
            # The server ends it while its client is idle.
            transaction.rows("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
            eventually(lambda: not rows(_IS_ALIVE, pid=pid))
        return transaction.rows("SELECT 1 AS own")

    ended = database.run(backend)
    if name == "idle_session_timeout":
        database.run(lambda transaction: transaction.rows("SET idle_session_timeout = '1ms'"))
        eventually(lambda: not rows(_IS_ALIVE, pid=ended))
        ended = 0

    assert database.run(work) == [{"own": 1}]


def test_giving_way(database: Database) -> None:
    """After a deadlock or serialization failure the work runs once more on the same connection."""
    before = database.run(backend)
    attempts: list[int] = []

    def work(transaction: Transaction, failures: int) -> int:
        attempts.append(backend(transaction))
        if len(attempts) <= failures:
            code = ("40001", "40P01")[len(attempts) % 2]
            transaction.rows(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")
        return len(attempts)

    assert database.run(partial(work, failures=1)) == 2
    with pytest.raises(DatabaseUnavailable):
        database.run(partial(work, failures=9))
    assert attempts == [before] * 4


def test_commit_that_did_not_arrive(database: Database, rows: Rows) -> None:
    """Work whose COMMIT finds the connection closed was rolled back, and runs once more."""
    attempts: list[int] = []
    kill = "SELECT pg_terminate_backend(:pid, 1000) AS killed"

    def work(transaction: Transaction) -> int:
        attempts.append(backend(transaction))
        if len(attempts) == 1:
            assert rows(kill, pid=attempts[0]) == [{"killed": True}]
        return len(attempts)

    database.run(backend)
    assert database.run(work) == 2


def test_commit_of_a_server_that_has_restarted(stack: Stack, database: Database) -> None:
    """After a restart another transaction may have the id: nothing is claimed, nothing runs."""
    attempts: list[int] = []

    def work(transaction: Transaction) -> None:
        attempts.append(backend(transaction))
        stack.postgres.restart()

    database.run(backend)
    with pytest.raises(DatabaseUnavailable):
        database.run(work)
    assert len(attempts) == 1


def test_nothing_listens(environment: dict[str, str]) -> None:
    """A refused connection is database_unavailable."""
    nowhere = Database(DatabaseSettings("postgresql://nobody@127.0.0.1:9/nothing"))

    with pytest.raises(DatabaseUnavailable):
        nowhere.run(backend)


@pytest.mark.parametrize("url", ["localhost", "mysql://localhost/x", "postgresql:///x"])
def test_bad_url(url: str) -> None:
    """A URL of another scheme is rejected with the variable's name."""
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        Database(DatabaseSettings(url)).run(backend)


def test_rotated_password_is_read_anew(environment: dict[str, str]) -> None:
    """After a refused login the secret is read again, without a restart."""
    url = urlsplit(environment["DATABASE_URL"])
    secrets = iter(["the password of yesterday", url.password])
    seconds = iter(range(0, 1000, 100))
    source = Rotating(
        DatabaseSettings.from_environment,
        {**environment, "DATABASE_SECRET_ARN": "arn"},
        "DATABASE_SECRET_ARN",
        lambda _: json.dumps({"username": url.username, "password": next(secrets)}),
        lambda: float(next(seconds)),
    )
    rotated = Database(source)

    assert rotated.run(lambda transaction: transaction.rows("SELECT 1 AS one")) == [{"one": 1}]
    rotated.close()
    assert next(secrets, None) is None
