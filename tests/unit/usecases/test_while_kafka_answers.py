"""What calls do while they wait for Kafka."""

from uuid import UUID

import pytest

from streaming.events.event import Message
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer


@pytest.mark.parametrize("call", ["start", "report", "stop"])
def test_redis_is_written_while_kafka_answers(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID, call: str
) -> None:
    """The position is in Redis before the answer of Kafka is awaited, so both take one time."""
    session_id = viewer.start(movie_id).session_id
    viewer.report(movie_id, 400, session_id)
    world.redis.entries.clear()
    cached: list[int | None] = []

    def look(_: Message) -> None:
        found = world.progress_cache.find(viewer.user_id, movie_id)
        cached.append(found.position_seconds if found else None)

    world.kafka.before_answering = look
    if call == "start":
        viewer.start(movie_id)
    elif call == "report":
        viewer.report(movie_id, 400, session_id)
    else:
        viewer.stop(movie_id, 400, session_id)

    assert cached == [400]
