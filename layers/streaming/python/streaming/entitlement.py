"""Decides whether a user may watch, from what is cached and what the user service says."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.cache import Cache
from streaming.deadline import apart
from streaming.errors import EntitlementUnavailable, SubscriptionRequired
from streaming.subscription import Subscription, UserServiceUnavailable

logger = Logger(child=True)

# Someone who has just paid is let in soon.
_NEGATIVE_TTL_SECONDS = 30


class SubscriptionSource(Protocol):
    """Where a subscription is looked up when it is not cached."""

    def current_subscription(self, authorization: str) -> Subscription:
        """Return the caller's subscription. Raises ``UserServiceUnavailable``."""


class Entitlement:
    """Knows who may watch.

    An answer of the user service is cached for ``ttl_seconds``. When the user service does not
    answer, a positive answer not older than ``grace_seconds`` is honoured. ``source`` is called
    only when nothing is cached, so that its client need not be loaded before; what it takes, up to
    ``longest_seconds``, does not count as the request's time.
    """

    def __init__(
        self,
        cache: Cache,
        source: Callable[[], SubscriptionSource],
        ttl_seconds: int,
        grace_seconds: int,
        longest_seconds: float,
    ) -> None:
        self._cache = cache
        self._source = source
        self._ttl_seconds = ttl_seconds
        self._grace_seconds = grace_seconds
        self._longest_seconds = longest_seconds

    def require(self, user_id: UUID, authorization: str, now: datetime) -> Subscription:
        """Return the user's valid subscription.

        Raises ``SubscriptionRequired`` when there is none, ``EntitlementUnavailable`` when nobody
        can tell.
        """
        subscription = self._cached(f"subscription:{user_id}") or self._ask(
            user_id, authorization, now
        )
        if not subscription.is_valid_at(now):
            raise SubscriptionRequired("the user has no active subscription")
        return subscription

    def _ask(self, user_id: UUID, authorization: str, now: datetime) -> Subscription:
        try:
            with self._time_of_its_own():
                subscription = self._source().current_subscription(authorization)
        except UserServiceUnavailable as error:
            known = self._cached(f"subscription:grace:{user_id}")
            if known is None:
                raise EntitlementUnavailable("the user service does not answer") from error
            logger.warning("the user service is down; a known subscription is honoured")
            return known
        self._keep(user_id, subscription, now)
        return subscription

    def _time_of_its_own(self) -> AbstractContextManager[None]:
        # The answer spares the viewer's next starts the same wait. Without Redis it would not, and
        # whoever has already waited for Redis is not made to wait so long again.
        return nullcontext() if self._cache.is_down else apart(self._longest_seconds)

    def _keep(self, user_id: UUID, subscription: Subscription, now: datetime) -> None:
        value = subscription.to_json()
        if not subscription.is_valid_at(now):
            self._cache.set(f"subscription:{user_id}", value, _NEGATIVE_TTL_SECONDS)
            return
        left = (subscription.expires_at - now).total_seconds() if subscription.expires_at else None
        for key, ttl in (
            (f"subscription:{user_id}", self._ttl_seconds),
            (f"subscription:grace:{user_id}", self._grace_seconds),
        ):
            life = ttl if left is None else min(ttl, int(left))
            if life > 0:
                self._cache.set(key, value, life)

    def _cached(self, key: str) -> Subscription | None:
        value: Any = self._cache.get(key)
        if value is None:
            return None
        try:
            return Subscription.from_json(value)
        except ValueError:
            logger.warning("a cached subscription cannot be read", key=key)
            return None
