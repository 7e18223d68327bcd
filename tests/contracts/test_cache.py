"""Tests that objects, positions and subscriptions are cached."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from streaming.cache import subscriptions as subscription_cache
from streaming.cache.client import Cache
from streaming.cache.progress import ProgressCache
from streaming.cache.subscriptions import SubscriptionCache
from streaming.domain.progress import ReportOrder, SavedProgress
from streaming.domain.subscriptions import NO_SUBSCRIPTION, Subscription
from tests.contracts.record import EVENING

PAID = Subscription(is_active=True, plan_id="premium", expires_at=None, max_streams=2)


@pytest.fixture
def key() -> str:
    """A unique key."""
    return f"test:{uuid4()}"


@pytest.fixture
def subscriptions(cache: Cache) -> SubscriptionCache:
    """The cached subscriptions."""
    return SubscriptionCache(cache, ttl_seconds=300, grace_seconds=900)


def progress(version: int, movie_id: UUID, user_id: UUID) -> SavedProgress:
    """Return a position with a value in every field."""
    return SavedProgress(
        user_id,
        movie_id,
        position_seconds=10 * version,
        last_watched_at=EVENING,
        duration_seconds=1000,
        completed=True,
        order=ReportOrder(uuid4(), version),
        version=version,
        completed_at=EVENING,
        times_completed=2,
    )


def test_an_object(cache: Cache, key: str) -> None:
    """The object set last is returned until it is deleted."""
    assert cache.get(key) is None
    assert cache.set(key, {"a": [1, "ü", None]}, 60)
    assert cache.set(key, {"b": 2.5}, 60)
    assert cache.get(key) == {"b": 2.5}
    assert cache.delete(key)
    assert cache.delete(key)
    assert cache.get(key) is None
    assert not cache.is_down


def test_the_newest_version_stays(cache: Cache, key: str) -> None:
    """Only a newer version replaces a stored one."""
    assert cache.set_if_newer(key, {"version": 2, "by": "first"}, 60)
    for version in (1, 2):
        assert cache.set_if_newer(key, {"version": version, "by": "late"}, 60)
    assert cache.get(key) == {"version": 2, "by": "first"}
    assert cache.set_if_newer(key, {"version": 3, "by": "next"}, 60)
    assert cache.get(key) == {"version": 3, "by": "next"}


def test_what_has_no_version_is_replaced(cache: Cache, key: str) -> None:
    """An object without a numeric version is replaced."""
    cache.set(key, {"version": "new"}, 60)
    assert cache.set_if_newer(key, {"version": 1}, 60)
    assert cache.get(key) == {"version": 1}


def test_a_position(cache: Cache) -> None:
    """A cached position is returned unchanged, and an older version does not replace it."""
    positions = ProgressCache(cache, 60)
    user_id, movie_id = uuid4(), uuid4()
    assert positions.find(user_id, movie_id) is None
    newest = progress(2, movie_id, user_id)
    positions.keep(newest)
    positions.keep(progress(1, movie_id, user_id))
    assert positions.find(user_id, movie_id) == newest
    assert positions.find(uuid4(), movie_id) is None


def test_a_forgotten_position(cache: Cache) -> None:
    """A forgotten position is deleted, and a concurrent request cannot cache it again."""
    positions = ProgressCache(cache, 60)
    user_id, movie_id = uuid4(), uuid4()
    positions.keep(progress(1, movie_id, user_id))
    assert positions.forget(user_id, [movie_id, uuid4()])
    assert positions.find(user_id, movie_id) is None
    positions.keep(progress(2, movie_id, user_id))
    assert positions.find(user_id, movie_id) is None


def test_a_valid_subscription(subscriptions: SubscriptionCache) -> None:
    """A valid subscription is cached, also for outages of the user service."""
    user_id = uuid4()
    assert subscriptions.find(user_id) is None
    subscriptions.keep(user_id, PAID, EVENING)
    assert subscriptions.find(user_id) == PAID
    assert subscriptions.find_for_grace(user_id) == PAID


def test_no_valid_subscription(subscriptions: SubscriptionCache) -> None:
    """A missing subscription is cached, and deletes the earlier one kept for outages."""
    user_id = uuid4()
    subscriptions.keep(user_id, PAID, EVENING)
    subscriptions.keep(user_id, NO_SUBSCRIPTION, EVENING)
    assert subscriptions.find(user_id) == NO_SUBSCRIPTION
    assert subscriptions.find_for_grace(user_id) is None


def test_a_subscription_that_ends_at_once(subscriptions: SubscriptionCache) -> None:
    """A subscription is not cached for longer than it is valid."""
    user_id = uuid4()
    ends = replace(PAID, expires_at=EVENING + timedelta(seconds=0.5))
    subscriptions.keep(user_id, ends, EVENING)
    assert subscriptions.find(user_id) is None
    assert subscriptions.find_for_grace(user_id) is None


def test_a_changed_subscription(cache: Cache, subscriptions: SubscriptionCache) -> None:
    """A changed subscription is deleted, and an older answer is not kept for outages."""
    user_id, other = uuid4(), uuid4()
    for each in (user_id, other):
        subscriptions.keep(each, PAID, EVENING)
    assert subscription_cache.forget(cache, user_id)
    assert subscriptions.find(user_id) is None
    subscriptions.keep(user_id, PAID, EVENING)
    assert subscriptions.find_for_grace(user_id) is None
    assert subscriptions.find_for_grace(other) == PAID
