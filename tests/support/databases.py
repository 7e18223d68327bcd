"""Separate databases for single tests."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pg8000.native

from local.servers.postgres import DATABASE, USER
from local.stack import Stack


def administrator(stack: Stack, database: str = DATABASE) -> pg8000.native.Connection:
    """Log in as the server's administrator."""
    return pg8000.native.Connection(
        "postgres",
        host="127.0.0.1",
        port=stack.ports.postgres_port,
        database=database,
        password=stack.state.credentials.postgres_admin_password,
    )


@contextmanager
def empty_database(stack: Stack) -> Iterator[str]:
    """Create a database of the service's user; yield its URL, and drop it afterwards."""
    with _database(stack, "empty", template="template1") as url:
        yield url


@contextmanager
def copied_database(stack: Stack, url: str) -> Iterator[str]:
    """Copy a database without connections; yield the copy's URL, and drop it afterwards."""
    with _database(stack, "copy", template=urlsplit(url).path.removeprefix("/")) as copy:
        yield copy


@contextmanager
def _database(stack: Stack, kind: str, template: str) -> Iterator[str]:
    name = f"{kind}_{secrets.token_hex(4)}"
    admin = administrator(stack, "postgres")
    admin.run(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template}")
    try:
        yield urlsplit(stack.environment["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    finally:
        admin.run(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()
