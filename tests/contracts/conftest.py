"""Fixtures that provide each adapter twice: in memory, and with its real server.

Tests that need a server have the mark ``server``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.stack import Stack
from streaming.cache.client import Cache
from streaming.cache.stream_slots import StreamSlots
from streaming.config.cache import CacheSettings
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.contracts.record import Record
from tests.fakes.cache import MemoryCache
from tests.fakes.films import MemoryFilms
from tests.fakes.idempotency import MemoryIdempotencyKeys
from tests.fakes.outbox import MemoryOutbox
from tests.fakes.personal_data import MemoryPersonalData
from tests.fakes.playback import MemoryPlayback
from tests.fakes.progress import MemoryProgressRecord
from tests.fakes.record import MemoryRecord
from tests.fakes.stream_slots import MemoryStreamSlots
from tests.support.connections import close_connections
from tests.support.databases import empty_database
from tests.support.templates import ROOT

_EMPTY = """
    TRUNCATE stream_sessions, watch_progress, event_outbox, event_dead_letters, idempotency_keys,
        films
"""


@pytest.fixture(params=["memory", pytest.param("postgresql", marks=pytest.mark.server)])
def record(request: pytest.FixtureRequest) -> Record:
    """The adapters of an empty database."""
    if request.param == "memory":
        return in_memory(MemoryRecord())
    database: Database = request.getfixturevalue("own_database")
    empty(database)
    return Record.of(database)


@dataclass(frozen=True)
class StreamCounts:
    """The slots of a cache: as they are, and with a time to live of zero."""

    slots: StreamSlots
    lifeless_slots: StreamSlots
    cache: Cache


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.server)])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    """An adapter of Redis."""
    if request.param == "memory":
        yield MemoryCache()
        return
    stack: Stack = request.getfixturevalue("stack")
    cache = Cache(CacheSettings.from_environment(stack.environment))
    yield cache
    close_connections([cache])


@pytest.fixture
def counts(cache: Cache) -> StreamCounts:
    """The stream slots in ``cache``."""
    if isinstance(cache, MemoryCache):
        return StreamCounts(MemoryStreamSlots(cache), MemoryStreamSlots(cache, 0), cache)
    return StreamCounts(StreamSlots(cache), StreamSlots(cache, 0), cache)


@pytest.fixture(scope="session")
def own_database(shared_stack: Stack) -> Iterator[Database]:
    """A database of these tests only."""
    with empty_database(shared_stack) as url:
        database = Database(DatabaseSettings(url))
        migrations.apply(database, ROOT / "migrations")
        yield database
        database.close()


def in_memory(record: MemoryRecord) -> Record:
    """Return the in-memory adapters of ``record``."""
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
