"""PostgreSQL behind a transaction pooler, where connections are shared between clients."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pg8000.native
import pytest

from local.ports import free_ports
from local.servers.server import NotReadyError, await_condition
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository import migrations
from streaming.repository.database import Database
from streaming.repository.transaction import Row, Transaction
from tests.conftest import Rows, set_subscription
from tests.support.databases import empty_database
from tests.support.environments import play_mixed
from tests.support.functions import (
    ROOT,
    Response,
    Viewer,
    event,
    forget_environment,
    invoke,
    new_viewer,
)
from tests.support.kafka import await_events
from tests.support.pgbouncer import PgBouncer
from tests.support.tls import Authority
from tests.support.waiting import bounded_wait

pytestmark = pytest.mark.own_servers

ENVIRONMENTS = 3
CLIENTS = 8

Pooler = Callable[..., PgBouncer]


@pytest.fixture
def start_pooler(stack: Stack) -> Iterator[Pooler]:
    """Starts a pooler with the given settings."""
    with ExitStack() as opened:

        def start(**settings: object) -> PgBouncer:
            (port,) = free_ports(1)
            pooler = PgBouncer(port, stack.state, stack.postgres, **settings)
            opened.callback(pooler.stop)
            pooler.start()
            return pooler

        yield start


@pytest.fixture
def databases() -> Iterator[Callable[[str], Database]]:
    """Opens connections, each of another environment."""
    with ExitStack() as opened:

        def open_database(url: str) -> Database:
            database = Database(DatabaseSettings(url))
            opened.callback(database.close)
            return database

        yield open_database


@pytest.fixture
def pooled(
    environment: dict[str, str], start_pooler: Pooler, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """An environment that shares three connections with all others, and has no Redis."""
    pooler = start_pooler(default_pool_size=3, server_lifetime=1)
    changed = {"DATABASE_URL": pooler.database_url, "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "9"}
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    forget_environment()
    return {**environment, **changed}


def subscribers(stack: Stack, count: int) -> list[Viewer]:
    """Return new subscribers."""
    viewers = [new_viewer(stack.token) for _ in range(count)]
    for viewer in viewers:
        set_subscription(stack, viewer.user_id, is_active=True)
    return viewers


def test_environments_share_connections_and_no_rows(
    stack: Stack, pooled: dict[str, str], movie_id: UUID
) -> None:
    """Many environments play for many users over three connections; no rows are mixed up.

    The pooler closes its own connections every second, which no call notices.
    """
    spawn = get_context("spawn")
    with ProcessPoolExecutor(ENVIRONMENTS, mp_context=spawn) as environments:
        plays = [
            environments.submit(play_mixed, pooled, subscribers(stack, 3), movie_id, rounds=5)
            for _ in range(ENVIRONMENTS)
        ]
        assert [wrong for play in plays for wrong in play.result()] == []


def test_transactions_of_many_clients_stay_apart(
    start_pooler: Pooler, databases: Callable[[str], Database]
) -> None:
    """Statements with parameters, including failing and invalid ones, get their own results."""
    pooler = start_pooler(default_pool_size=2)

    def ask(number: int) -> list[str]:
        database = databases(pooler.database_url)
        wrong = []
        for turn in range(20):
            mine = f"{number}/{turn}"

            def work(transaction: Transaction, mine: str = mine, turn: int = turn) -> list[object]:
                echoed = transaction.rows("SELECT CAST(:mine AS text) AS own", mine=mine)
                if turn % 10 == 3:
                    transaction.rows("SELECT CAST(:text AS text)", text="\ud800")
                if turn % 10 == 7:
                    transaction.rows("SELECT 1/CAST(:zero AS integer)", zero=0)
                again = transaction.rows("SELECT CAST(:mine AS text) AS own", mine=mine)
                return [row["own"] for row in (*echoed, *again)]

            try:
                found = database.run(work)
            except (DatabaseUnavailable, pg8000.native.DatabaseError):
                if turn % 10 not in (3, 7):
                    raise
            else:
                wrong += [str(each) for each in found if each != mine]
        return wrong

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert [wrong for answers in pool.map(ask, range(CLIENTS)) for wrong in answers] == []


def test_outbox_is_relayed(
    stack: Stack,
    pooled: dict[str, str],
    movie_id: UUID,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events that Kafka did not accept are relayed through the pooler."""
    (viewer,) = subscribers(stack, 1)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    session_id = viewer.start(movie_id).json["session_id"]
    assert viewer.report(movie_id, 5, session_id=session_id, sequence=1).status == 200
    assert viewer.stop(movie_id, 6, session_id=session_id, sequence=2).status == 200
    waiting = "SELECT 1 FROM event_outbox WHERE key = :key"
    assert len(rows(waiting, key=str(viewer.user_id))) == 3

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", pooled["KAFKA_BOOTSTRAP_SERVERS"])
    forget_environment()
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 minute'")
    invoke("housekeeping", event("housekeeping"))

    assert rows(waiting, key=str(viewer.user_id)) == []
    await_events(pooled["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id, 3)


def test_migrations_of_several_at_once(
    stack: Stack, start_pooler: Pooler, databases: Callable[[str], Database]
) -> None:
    """Three concurrent migrations of an empty database through the pooler apply each file once."""
    with empty_database(stack) as database_url:
        pooler = start_pooler()
        url = urlsplit(pooler.database_url)._replace(path=urlsplit(database_url).path).geturl()
        directory = ROOT / "migrations"

        def apply(_: int) -> list[str]:
            return migrations.apply(databases(url), directory)

        with ThreadPoolExecutor(3) as pool:
            applied = [file for files in pool.map(apply, range(3)) for file in files]

        assert sorted(applied) == sorted(path.name for path in Path(directory).glob("*.sql"))
        pooler.stop()


@pytest.mark.time_limits
def test_exhausted_pool(
    stack: Stack,
    pooled: dict[str, str],
    start_pooler: Pooler,
    databases: Callable[[str], Database],
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While others use all connections, calls are 503 within their budget, and recover after."""
    pooler = start_pooler(default_pool_size=1)
    monkeypatch.setenv("DATABASE_URL", pooler.database_url)
    forget_environment()
    (viewer,) = subscribers(stack, 1)
    assert viewer.report(movie_id, 5).status == 200
    calls: list[Callable[[], Response]] = [
        viewer.continue_watching,
        lambda: viewer.report(movie_id, 6),
    ]

    def refused(_: Transaction) -> None:
        for call in calls:
            with bounded_wait():
                answer = call()
            assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
            assert int(answer.headers["retry-after"]) > 0

    databases(pooler.database_url).run(refused)

    assert viewer.report(movie_id, 7).status == 200
    assert viewer.progress(movie_id).json["position_seconds"] == 7


def test_too_many_clients(start_pooler: Pooler, databases: Callable[[str], Database]) -> None:
    """A pooler that accepts no more clients is database_unavailable."""
    pooler = start_pooler(max_client_conn=2)
    first, second, third = (databases(pooler.database_url) for _ in range(3))
    first.run(lambda transaction: transaction.rows("SELECT 1"))
    second.run(lambda transaction: transaction.rows("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        third.run(lambda transaction: transaction.rows("SELECT 1"))

    first.close()

    # The pooler frees the place when it reads that the client has disconnected.
    def check() -> None:
        try:
            third.run(lambda transaction: transaction.rows("SELECT 1"))
        except DatabaseUnavailable as error:
            raise NotReadyError(str(error)) from error

    await_condition(check, what="the pooler", seconds=10)


def test_server_behind_the_pooler_restarts(
    pooled: dict[str, str], stack: Stack, movie_id: UUID
) -> None:
    """After a restart of PostgreSQL behind the pooler, no call fails."""
    (viewer,) = subscribers(stack, 1)
    for position in range(3):
        assert viewer.report(movie_id, position).status == 200
        stack.postgres.restart()
    assert viewer.report(movie_id, 9).status == 200


def test_pooler_that_wants_tls(
    start_pooler: Pooler, databases: Callable[[str], Database], tmp_path: Path
) -> None:
    """A pooler's certificate is verified; one that requires TLS gets no plaintext connection."""
    authority = Authority(tmp_path, "trusted")
    certificate = authority.issue("127.0.0.1")
    file = tmp_path / "pooler.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
    pooler = start_pooler(
        client_tls_sslmode="require", client_tls_key_file=file, client_tls_cert_file=file
    )

    def ask(query: str) -> list[Row]:
        database = databases(f"{pooler.database_url}?{query}")
        return database.run(lambda transaction: transaction.rows("SELECT 1 AS one"))

    assert ask(f"sslmode=verify-full&sslrootcert={authority.file}") == [{"one": 1}]
    for query in ("sslmode=verify-full", "sslmode=disable"):
        with pytest.raises(DatabaseUnavailable):
            ask(query)
