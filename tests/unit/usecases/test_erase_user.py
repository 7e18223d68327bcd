"""Tests that a user's personal data is erased."""

from uuid import UUID

import pytest

from streaming.cache import keys
from streaming.domain.errors import CacheUnavailable, DatabaseUnavailable
from streaming.repository.personal_data import ErasedRows
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer


def watch(viewer: MemoryViewer, movie_id: UUID) -> None:
    """Start with a key and report, so that every table and Redis contain the user."""
    viewer.start(movie_id, key="key")
    viewer.report(movie_id, 10)


def test_nothing_is_left(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """The user is deleted from the database and Redis; other users' data does not change."""
    other = MemoryViewer(world)
    watch(other, movie_id)
    positions, sessions, attempts = (
        dict(world.record.positions),
        dict(world.record.sessions),
        dict(world.record.keys),
    )
    entries = set(world.redis.entries)
    world.kafka.is_down = True
    watch(viewer, movie_id)
    assert world.erase_user(viewer.user_id) == ErasedRows(positions=1, sessions=1, events=2)
    assert (world.record.positions, world.record.sessions, world.record.keys) == (
        positions,
        sessions,
        attempts,
    )
    assert world.waiting == []
    assert world.progress_cache.find(viewer.user_id, movie_id) is None
    world.pass_time(120)
    left = {key for key in world.redis.entries if world.redis.read(key) is not None}
    assert left <= entries
    assert world.erase_user(viewer.user_id) == ErasedRows(0, 0, 0)


def test_a_position_does_not_come_back(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A concurrent request that has read the position cannot cache it again."""
    watch(viewer, movie_id)
    saved = world.find_progress(viewer.user_id, movie_id)
    world.erase_user(viewer.user_id)
    world.progress_cache.keep(saved)
    assert world.progress_cache.find(viewer.user_id, movie_id) is None


def test_running_streams(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """The user's running streams are no longer counted."""
    session_id = viewer.start(movie_id).session_id
    assert world.stream_slots.heartbeat(viewer.user_id, session_id)
    world.erase_user(viewer.user_id)
    assert world.redis.read(keys.streams(viewer.user_id)) is None


def test_redis_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Nothing is erased, because the cached position would remain."""
    watch(viewer, movie_id)
    positions, sessions = dict(world.record.positions), dict(world.record.sessions)
    world.redis.is_down = True
    with pytest.raises(CacheUnavailable):
        world.erase_user(viewer.user_id)
    assert (world.record.positions, world.record.sessions) == (positions, sessions)


def test_the_database_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Nothing is erased, neither in the database nor in Redis."""
    watch(viewer, movie_id)
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.erase_user(viewer.user_id)
    assert world.progress_cache.find(viewer.user_id, movie_id) is not None
