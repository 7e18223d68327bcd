"""Databases of a test's own, beside the stack's."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pg8000.native

from local.servers.postgres import USER
from local.stack import Stack


@contextmanager
def empty_database(stack: Stack) -> Iterator[str]:
    """Make a database of the service's user; yield its URL, and drop it afterwards."""
    name = f"empty_{secrets.token_hex(4)}"
    admin = pg8000.native.Connection(
        "postgres",
        host="127.0.0.1",
        port=stack.ports.postgres_port,
        database="postgres",
        password=stack.state.credentials.postgres_admin_password,
    )
    admin.run(f"CREATE DATABASE {name} OWNER {USER}")
    try:
        yield urlsplit(stack.environment["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    finally:
        admin.run(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()
