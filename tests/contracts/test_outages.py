"""Tests the results of adapters whose server does not answer. They need no server."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from streaming.cache.client import Cache
from streaming.cache.progress import ProgressCache
from streaming.cache.stream_slots import StreamSlots, forget_streams
from streaming.config.cache import CacheSettings
from streaming.config.database import DatabaseSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.repository.database import Database
from streaming.repository.outbox import Outcome
from tests.contracts.conftest import StreamCounts, in_memory
from tests.contracts.record import EVENING, Player, Record, message_of
from tests.fakes.cache import MemoryCache
from tests.fakes.record import MemoryRecord
from tests.fakes.stream_slots import MemoryStreamSlots

USER, MOVIE, SESSION = uuid4(), uuid4(), uuid4()
KEY, ATTEMPT = IdempotencyKey("key", "fingerprint"), Attempt(SESSION, uuid4())
# No server listens on this port.
UNUSED_PORT = 9


@pytest.fixture(params=["memory", "postgresql"])
def record(request: pytest.FixtureRequest) -> Record:
    """A database that does not answer."""
    if request.param == "postgresql":
        url = f"postgresql://user:password@127.0.0.1:{UNUSED_PORT}/streaming"
        return Record.of(Database(DatabaseSettings(url)))
    memory = MemoryRecord()
    memory.is_down = True
    return in_memory(memory)


@pytest.fixture(params=["memory", "redis"])
def counts(request: pytest.FixtureRequest) -> StreamCounts:
    """The stream slots of a cache that does not answer."""
    if request.param == "redis":
        cache = Cache(CacheSettings("127.0.0.1", UNUSED_PORT, 60, 60))
        return StreamCounts(StreamSlots(cache), StreamSlots(cache), cache)
    memory = MemoryCache()
    memory.is_down = True
    return StreamCounts(MemoryStreamSlots(memory), MemoryStreamSlots(memory), memory)


@pytest.mark.parametrize(
    "call",
    [
        lambda record: Player(record).start(),
        lambda record: Player(record).report(1, EVENING),
        lambda record: Player(record).stop(1, EVENING),
        lambda record: record.playback.refuse_opened(USER, SESSION, EVENING, message_of),
        lambda record: record.playback.find_repeated(USER, MOVIE, SESSION),
        lambda record: record.playback.find_sessions(USER, [SESSION]),
        lambda record: record.playback.end_abandoned(EVENING, 10, message_of),
        lambda record: record.progress.find(USER, MOVIE),
        lambda record: record.progress.find_to_continue(USER, 10, 60, 0.05),
        lambda record: record.progress.remove(USER, MOVIE, EVENING),
        lambda record: record.keys.claim(USER, KEY, ATTEMPT, 60),
        lambda record: record.keys.release(USER, KEY, ATTEMPT),
        lambda record: record.keys.delete_old(EVENING, 10),
        lambda record: record.films.keep(MOVIE, None, EVENING),
        lambda record: record.films.mark(MOVIE, EVENING, is_there=True),
        lambda record: record.films.mark_all({MOVIE: True}, EVENING),
        lambda record: record.films.find_due(EVENING, 10),
        lambda record: record.films.find_in_use(EVENING, 60, 10),
        lambda record: record.films.delete_no_films(EVENING, 10),
        lambda record: record.outbox.delete(uuid4()),
        lambda record: record.outbox.measure(),
        lambda record: record.outbox.relay(
            lambda _: Outcome(), after=0, keys=1, per_key=1, settling_seconds=0
        ),
        lambda record: record.personal_data.forget(EVENING, 10),
        lambda record: record.personal_data.erase(USER, lambda _: None),
    ],
)
def test_the_record_does_not_answer(record: Record, call: Callable[[Record], object]) -> None:
    """Every call raises ``DatabaseUnavailable``."""
    with pytest.raises(DatabaseUnavailable):
        call(record)


def test_the_cache_does_not_answer(counts: StreamCounts) -> None:
    """Keys are reported as absent, and writing and deleting return False."""
    cache = counts.cache
    assert cache.get("key") is None
    assert cache.set("key", {}, 60) is False
    assert cache.set_if_newer("key", {"version": 1}, 60) is None
    assert cache.delete("key") is False
    assert cache.is_down
    assert forget_streams(cache, USER) is False
    assert ProgressCache(cache, 60).find(USER, MOVIE) is None
    assert ProgressCache(cache, 60).forget(USER, [MOVIE]) is False


def test_nobody_counts_streams(counts: StreamCounts) -> None:
    """Every call returns None."""
    slots = counts.slots
    assert slots.claim(USER, SESSION, 1, take_over=True) is None
    for call in (slots.release, slots.heartbeat, slots.end, slots.forget):
        assert call(USER, SESSION) is None
    assert slots.keep(USER, SESSION, 1) is None
