"""Tests that old idempotency keys are deleted."""

from uuid import UUID

import pytest

from streaming.domain.errors import DatabaseUnavailable, SessionEnded
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer


def test_keys_live_a_day(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A repeated key refers to its session for one day; afterwards it is deleted."""
    viewer.start(movie_id, key="key")
    viewer.stop(movie_id, 10)
    world.pass_time(86_400)
    assert world.expire_idempotency_keys(world.now, 60) == 0
    with pytest.raises(SessionEnded):
        viewer.start(movie_id, key="key")
    world.pass_time(1)
    assert world.expire_idempotency_keys(world.now, 60) == 1
    viewer.start(movie_id, key="key")


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails if the database does not answer."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.expire_idempotency_keys(world.now, 60)
