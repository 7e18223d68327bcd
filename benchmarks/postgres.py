"""A PostgreSQL of its own for a benchmark."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from benchmarks.circumstances import ROOT
from local.ports import Ports
from local.servers.postgres import Postgres
from local.state import State
from streaming.config.database import DatabaseSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository import migrations
from streaming.repository.database import Database

MIGRATIONS = ROOT / "migrations"

Result = TypeVar("Result")


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """Run a server whose data is in ``folder``, with the service's database; stop it afterwards."""
    state = State(folder)
    server = Postgres(Ports.free().postgres_port, state)
    state.acquire()
    state.group.open()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        state.group.close()
        state.release()


@contextmanager
def temporary_database() -> Iterator[Database]:
    """Start a server with all tables; stop it afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as server,
        closing(Database(DatabaseSettings(server.database_url), 120)) as database,
    ):
        patiently(lambda: migrations.apply(database, MIGRATIONS))
        yield database


def patiently(work: Callable[[], Result]) -> Result:
    """Repeat ``work`` while PostgreSQL does not answer in time, as Lambda does."""
    for _ in range(20):
        try:
            return work()
        except DatabaseUnavailable:
            time.sleep(0.2)
    return work()
