"""Tests that cached positions answer only while no newer position can be hidden behind them."""

from uuid import UUID

import pytest

from streaming.domain.errors import DatabaseUnavailable
from streaming.resilience.cache_trust import CacheServer
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer

RESTARTED = CacheServer("2")


@pytest.fixture
def settled(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> MemoryEnvironment:
    """An environment that trusts its Redis, in which the viewer's position is 40."""
    viewer.report(movie_id, 30)
    world.pass_time(5)
    viewer.report(movie_id, 40)
    return world


def found(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> int:
    """Return the position that a look-up finds."""
    return world.find_progress(viewer.user_id, movie_id).position_seconds


def hide(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID, position: int) -> None:
    """Change the record without telling Redis, so that a look-up shows who has answered."""
    saved = world.record.positions[viewer.user_id, movie_id]
    world.record.positions[viewer.user_id, movie_id] = type(saved)(
        **{name: getattr(saved, name) for name in saved.__slots__} | {"position_seconds": position}
    )


def test_redis_answers(settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A reported position is found in Redis, without PostgreSQL."""
    hide(settled, viewer, movie_id, 77)
    assert found(settled, viewer, movie_id) == 40


def test_five_seconds_without_postgresql(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """An environment that has not asked PostgreSQL for five seconds does so."""
    hide(settled, viewer, movie_id, 77)
    settled.pass_time(4.9)
    assert found(settled, viewer, movie_id) == 40
    settled.pass_time(0.1)
    assert found(settled, viewer, movie_id) == 77


def test_a_write_that_fails(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A position that Redis does not have is found although Redis has an older one."""
    settled.redis.is_down = True
    viewer.report(movie_id, 80)
    settled.redis.is_down = False
    assert found(settled, viewer, movie_id) == 80


def test_writes_that_fail_change_the_row_every_five_seconds(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """An outage of Redis costs PostgreSQL one write in five seconds."""
    settled.redis.is_down = True
    changes = []
    for position in range(100):
        viewer.report(movie_id, position)
        changes.append(settled.record.cache_trust.trusted_from)
        settled.pass_time(0.5)
    assert len(set(changes)) == 10


def test_nothing_is_acknowledged_that_may_be_hidden(
    settled: MemoryEnvironment,
    viewer: MemoryViewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If neither Redis nor PostgreSQL can be told, the report fails, and its repeat tells them."""

    def fail(server: CacheServer | None = None) -> None:
        raise DatabaseUnavailable("the database does not answer")

    settled.redis.is_down = True
    with monkeypatch.context() as patched:
        patched.setattr(settled.cache_trust_record, "distrust", fail)
        with pytest.raises(DatabaseUnavailable):
            viewer.report(movie_id, 80)
    settled.redis.is_down = False
    viewer.report(movie_id, 80)
    assert found(settled, viewer, movie_id) == 80


def test_another_server(settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """Entries of a server that was not in use are not used, until five seconds after it is."""
    settled.redis.server = RESTARTED
    settled.redis.reconnections = 0
    hide(settled, viewer, movie_id, 77)
    assert found(settled, viewer, movie_id) == 77
    assert settled.redis.reconnections == 1
    viewer.report(movie_id, 80)
    hide(settled, viewer, movie_id, 78)
    assert found(settled, viewer, movie_id) == 78
    settled.pass_time(5)
    viewer.report(movie_id, 90)
    hide(settled, viewer, movie_id, 79)
    assert found(settled, viewer, movie_id) == 90
    assert settled.record.cache_trust.servers == [RESTARTED.name]


def test_a_server_that_nobody_has_written_to(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Look-ups keep the connection to it, but for one new connection in five seconds."""
    settled.redis.server = RESTARTED
    settled.redis.reconnections = 0
    for _ in range(20):
        assert found(settled, viewer, movie_id) == 40
        settled.pass_time(0.5)
    assert settled.redis.reconnections == 2


def test_a_server_without_a_name(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A server that does not tell its replication id is never read before PostgreSQL."""
    settled.redis.server = CacheServer("")
    for _ in range(3):
        settled.pass_time(5)
        viewer.report(movie_id, 80)
        hide(settled, viewer, movie_id, 77)
        assert found(settled, viewer, movie_id) == 77


def test_an_entry_that_is_recorded_again(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A look-up in PostgreSQL makes the same version in Redis usable again."""
    settled.cache_trust_record.distrust()
    settled.pass_time(5)
    assert found(settled, viewer, movie_id) == 40
    hide(settled, viewer, movie_id, 77)
    assert found(settled, viewer, movie_id) == 40


def test_an_entry_of_the_former_version(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """An entry without the time at which it was recorded is not used."""
    (key,) = (key for key in settled.redis.entries if key.startswith("progress:"))
    entry = settled.redis.get(key)
    assert entry is not None
    del entry["recorded_at"]
    settled.redis.set(key, entry, 60)
    hide(settled, viewer, movie_id, 77)
    assert found(settled, viewer, movie_id) == 77


def test_an_erased_user(settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """After an erasure no environment uses an entry from before."""
    settled.erase_user(viewer.user_id)
    assert settled.cache_trust.covers_present


def test_a_film_of_another_length(
    settled: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """After a film is invalidated, look-ups return its present duration."""
    assert settled.find_progress(viewer.user_id, movie_id).film_duration_seconds is None
    settled.invalidate_film(movie_id, settled.now)
    assert settled.find_progress(viewer.user_id, movie_id).film_duration_seconds == 1000
