"""The database role of the request functions: it can only read and write rows."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit
from uuid import UUID

import pg8000.native
import pytest

from local.servers.postgres import ROLE
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.support.databases import administrator, empty_database
from tests.support.functions import ROOT, Viewer, event, forget_environment, invoke, request

REFUSED = "42501"


@pytest.fixture
def login(stack: Stack) -> Iterator[str]:
    """The URL of a user who has that role and no other right."""
    name, password = f"requests_{secrets.token_hex(4)}", secrets.token_hex(16)
    with closing(administrator(stack)) as admin:
        admin.run(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {ROLE}")
        address = urlsplit(stack.environment["DATABASE_URL"])
        host = address.netloc.rpartition("@")[2]
        yield address._replace(netloc=f"{name}:{password}@{host}").geturl()
        forget_environment()
        admin.run(f"DROP ROLE {name}")


def test_role_is_enough(
    stack: Stack, viewer: Viewer, movie_id: UUID, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All functions except the migrations work with this role."""
    monkeypatch.setenv("DATABASE_URL", login)
    forget_environment()

    started = viewer.start(movie_id, key="once")
    assert started.status == 200
    session_id = started.json["session_id"]
    assert viewer.report(movie_id, 8, session_id=session_id, sequence=1).status == 200
    assert viewer.progress(movie_id).json["position_seconds"] == 8
    assert viewer.continue_watching().json["items"]
    assert viewer.stop(movie_id, 9, session_id=session_id, sequence=2).status == 200
    assert viewer.remove(movie_id).status == 204
    for name, wanted in (
        ("invalidate", {"movie_id": movie_id}),
        ("erase", {"user_id": viewer.user_id}),
    ):
        payload = event(name)
        payload["pathParameters"] = {key: str(value) for key, value in wanted.items()}
        assert request(name, payload).status == 200
    invoke("housekeeping", event("housekeeping"))
    assert invoke("analytics", event("analytics")) == {"events": 4, "dead_letters": 1}
    assert request("insights", event("insights_movies")).status == 200


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE own (id integer)",
        "CREATE TEMPORARY TABLE own (id integer)",
        "CREATE SCHEMA own",
        "DROP TABLE films",
        "ALTER TABLE films ADD COLUMN own integer",
        "TRUNCATE films",
        "CREATE INDEX own ON films (movie_id)",
        "INSERT INTO schema_migrations (name) VALUES ('own')",
        "CREATE ROLE own",
    ],
)
def test_role_changes_no_schema(login: str, statement: str) -> None:
    """The role can create, change and drop nothing, and record no migration."""
    address = urlsplit(login)
    connection = pg8000.native.Connection(
        str(address.username),
        host=str(address.hostname),
        port=address.port or 5432,
        database=address.path.lstrip("/"),
        password=address.password,
    )
    with closing(connection), pytest.raises(pg8000.native.DatabaseError) as refused:
        connection.run(statement)

    assert refused.value.args[0]["C"] == REFUSED


def test_later_tables(stack: Stack) -> None:
    """The role can also read and write a table of a later migration."""
    with empty_database(stack) as url:
        with closing(Database(DatabaseSettings(url))) as owner:
            migrations.apply(owner, ROOT / "migrations")
            owner.run(lambda transaction: transaction.rows("CREATE TABLE later (id integer)"))
        with closing(administrator(stack, urlsplit(url).path.lstrip("/"))) as admin:
            admin.run(f"SET ROLE {ROLE}")
            admin.run("INSERT INTO later VALUES (1)")
            assert admin.run("UPDATE later SET id = 2 RETURNING id") == [[2]]
            admin.run("DELETE FROM later")


def test_role_that_cannot_be_made(stack: Stack) -> None:
    """Without the right to create the role, the migration names the administrator's statement."""
    file = (ROOT / "migrations/007_role_for_rows.sql").read_text("utf-8")
    with empty_database(stack) as url, closing(Database(DatabaseSettings(url))) as database:
        other = file.replace(ROLE, "streaming_role_of_nobody")
        with pytest.raises(pg8000.native.DatabaseError) as refused:
            database.run(lambda transaction: transaction.script(other))

    assert refused.value.args[0]["H"].startswith("As an administrator: CREATE ROLE")
