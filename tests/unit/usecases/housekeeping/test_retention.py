"""Tests that personal data is deleted after the retention period."""

from uuid import UUID

import pytest

from streaming.domain.errors import DatabaseUnavailable
from streaming.events.refusal import Refusal
from tests.fakes.environment import RETENTION_DAYS, MemoryEnvironment
from tests.fakes.viewer import MemoryViewer

DAY = 86_400


def test_sessions(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """Old ended sessions are deleted; old running ones lose their IP address and user agent."""
    ended = viewer.start(movie_id).session_id
    viewer.stop(movie_id, 10, ended)
    running = viewer.start(movie_id).session_id
    world.pass_time(RETENTION_DAYS * DAY + 1)
    recent = viewer.start(movie_id).session_id
    assert world.forget_personal_data(world.now, 60) == 2
    sessions = world.record.sessions
    assert set(sessions) == {running, recent}
    assert (sessions[running].ip_address, sessions[running].user_agent) == (None, None)
    assert sessions[recent].ip_address is not None
    assert world.find_progress(viewer.user_id, movie_id).position_seconds == 10


def test_dead_letters(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """Dead letters are kept as long as sessions."""
    refusal = Refusal("message", ValueError("too large"))
    world.kafka.refusals[str(viewer.user_id)] = refusal
    viewer.report(movie_id, 10)
    world.pass_time(10)
    assert world.relay_outbox(60).dead == 1
    world.pass_time(RETENTION_DAYS * DAY)
    assert world.forget_personal_data(world.now, 60) == 0
    world.pass_time(1)
    assert world.forget_personal_data(world.now, 60) == 1
    assert world.record.dead_letters == {}


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails if the database does not answer."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.forget_personal_data(world.now, 60)
