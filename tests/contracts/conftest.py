"""Each adapter twice: in memory, and with its real server.

Tests that need a server have the mark ``server``.
"""

from collections.abc import Iterator

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.contracts.record import Record
from tests.fakes.films import MemoryFilms
from tests.fakes.idempotency import MemoryIdempotencyKeys
from tests.fakes.outbox import MemoryOutbox
from tests.fakes.personal_data import MemoryPersonalData
from tests.fakes.playback import MemoryPlayback
from tests.fakes.progress import MemoryProgressRecord
from tests.fakes.record import MemoryRecord
from tests.support.databases import empty_database
from tests.support.templates import ROOT

_EMPTY = """
    TRUNCATE stream_sessions, watch_progress, event_outbox, event_dead_letters, idempotency_keys,
        films
"""


@pytest.fixture(params=["memory", pytest.param("postgresql", marks=pytest.mark.server)])
def record(request: pytest.FixtureRequest) -> Record:
    """An empty record."""
    if request.param == "memory":
        return in_memory(MemoryRecord())
    database: Database = request.getfixturevalue("own_database")
    empty(database)
    return Record.of(database)


@pytest.fixture(scope="session")
def own_database(stack: Stack) -> Iterator[Database]:
    """A separate database."""
    with empty_database(stack) as url:
        database = Database(DatabaseSettings(url))
        migrations.apply(database, ROOT / "migrations")
        yield database
        database.close()


def in_memory(record: MemoryRecord) -> Record:
    """Return the adapters of ``record``."""
    return Record(
        playback=MemoryPlayback(record),
        progress=MemoryProgressRecord(record),
        keys=MemoryIdempotencyKeys(record),
        films=MemoryFilms(record),
        outbox=MemoryOutbox(record),
        personal_data=MemoryPersonalData(record),
    )


def empty(database: Database) -> None:
    """Delete every row."""
    database.run(lambda transaction: transaction.rows(_EMPTY))
