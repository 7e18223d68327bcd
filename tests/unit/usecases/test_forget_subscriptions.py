"""Tests that changed subscriptions are deleted from the cache."""

import base64
import json
from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import CacheUnavailable, SubscriptionRequired
from streaming.domain.subscriptions import NO_SUBSCRIPTION
from streaming.events.records import KafkaRecord
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer
from tests.support.emitted import emitted


def record_of(value: object) -> KafkaRecord:
    """Return a record that holds ``value`` as JSON."""
    text = base64.b64encode(json.dumps(value).encode()).decode()
    return KafkaRecord("subscription.changed", 0, 0, text)


def test_a_subscription_that_was_cancelled(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The next start asks the user service instead of using the cached subscription."""
    viewer.start(movie_id)
    viewer.subscribe(NO_SUBSCRIPTION)
    viewer.start(movie_id)
    assert world.forget_subscriptions([record_of({"user_id": str(viewer.user_id)})]) == 1
    with pytest.raises(SubscriptionRequired):
        viewer.start(movie_id)


def test_records_that_mean_nothing(
    world: MemoryEnvironment, viewer: MemoryViewer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invalid records are skipped and counted, valid ones are processed; a user counts once."""
    own = record_of({"user_id": str(viewer.user_id)})
    broken = KafkaRecord("subscription.changed", 0, 1, "no base64")
    records = [broken, record_of([]), record_of({"user_id": 7}), own, own]
    assert world.forget_subscriptions(records) == 1
    assert len(emitted(capsys.readouterr().out, "SkippedRecords")) == 3


def test_redis_does_not_answer(world: MemoryEnvironment) -> None:
    """The batch fails, so that Lambda retries it."""
    world.redis.is_down = True
    with pytest.raises(CacheUnavailable):
        world.forget_subscriptions([record_of({"user_id": str(uuid4())})])
    assert world.forget_subscriptions([]) == 0
