"""Subscriptions in Redis.

``subscription:{user_id}`` is the last answer of the user service. ``subscription:grace:{user_id}``
is a copy of a positive answer that is kept longer, for when the user service does not answer. A
message of a change sets ``subscription:changed:{user_id}`` for a minute: an answer from before the
change may arrive after it, so while that mark exists answers are kept for a short time only.
"""

from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.cache import keys
from streaming.cache.client import Cache
from streaming.domain.subscriptions import Subscription

logger = Logger(child=True)

# Short, so that a payment or a change takes effect soon.
_SHORT_TTL_SECONDS = 30
# Longer than any request waits for the user service.
_MARK_SECONDS = 60
# Entries that were cached at the same time expire at different times.
_LEAST_OF_THE_TTL = 0.9
# The functions of the module ``random`` have a state, which is the same in all environments that
# SnapStart restores from one snapshot.
_RANDOM = SystemRandom()


class SubscriptionCache:
    """Keeps answers for at most ``ttl_seconds``, their copies for at most ``grace_seconds``."""

    def __init__(self, cache: Cache, ttl_seconds: int, grace_seconds: int) -> None:
        self._cache = cache
        self._ttl_seconds = ttl_seconds
        self._grace_seconds = grace_seconds

    @property
    def is_down(self) -> bool:
        """Whether operations are skipped, because Redis has not answered recently."""
        return self._cache.is_down

    def find(self, user_id: UUID) -> Subscription | None:
        """Return the user's cached subscription."""
        return self._read(keys.subscription(user_id))

    def find_for_grace(self, user_id: UUID) -> Subscription | None:
        """Return the user's last known valid subscription, which may be outdated."""
        return self._read(keys.subscription_for_grace(user_id))

    def keep(self, user_id: UUID, subscription: Subscription, now: datetime) -> None:
        """Cache an answer of the user service, never for longer than the subscription lasts."""
        value = subscription.to_json()
        if not subscription.is_valid_at(now):
            self._cache.set(keys.subscription(user_id), value, _SHORT_TTL_SECONDS)
            self._cache.delete(keys.subscription_for_grace(user_id))
            return
        left = (subscription.expires_at - now).total_seconds() if subscription.expires_at else None
        self._write(keys.subscription(user_id), value, self._ttl_seconds, left)
        self._write(keys.subscription_for_grace(user_id), value, self._grace_seconds, left)
        # Read after writing: a change that is marked later deletes what was written.
        if self._cache.get(keys.subscription_changed(user_id)) is not None:
            self._write(
                keys.subscription(user_id), value, min(self._ttl_seconds, _SHORT_TTL_SECONDS), left
            )
            self._cache.delete(keys.subscription_for_grace(user_id))

    def _write(self, key: str, value: dict[str, Any], ttl: int, left: float | None) -> None:
        life = int(ttl * _RANDOM.uniform(_LEAST_OF_THE_TTL, 1))
        if left is not None:
            life = min(life, int(left))
        if life > 0:
            self._cache.set(key, value, life)

    def _read(self, key: str) -> Subscription | None:
        value: Any = self._cache.get(key)
        if value is None:
            return None
        try:
            return Subscription.from_json(value)
        except ValueError:
            logger.warning("a cached subscription cannot be read", key=key)
            return None


def forget(cache: Cache, user_id: UUID) -> bool:
    """Delete the cached answers of a subscription that has changed; return whether Redis answered.

    The copy for outages is deleted, too: it must not outlive a cancellation.
    """
    return (
        cache.set(keys.subscription_changed(user_id), {}, _MARK_SECONDS)
        and cache.delete(keys.subscription(user_id))
        and cache.delete(keys.subscription_for_grace(user_id))
    )
