"""Checks subscriptions, with the cache and the user service."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.cache import keys
from streaming.cache.subscriptions import SubscriptionCache
from streaming.domain.errors import EntitlementUnavailable, SubscriptionRequired
from streaming.domain.subscriptions import Subscription, UserServiceUnavailable
from streaming.resilience.deadline import apart

logger = Logger(child=True)


class SubscriptionSource(Protocol):
    """A source of subscriptions that are not cached."""

    def current_subscription(self, authorization: str) -> Subscription:
        """Return the caller's subscription. Raises ``UserServiceUnavailable``."""


class Entitlement:
    """Checks that users have a valid subscription.

    If the user service does not answer, a recent positive answer is still valid. ``source`` is
    called only if nothing is cached, so that its client is not loaded earlier; the time it takes,
    up to ``longest_seconds``, does not count towards the request's deadline.
    """

    def __init__(
        self,
        cache: SubscriptionCache,
        source: Callable[[], SubscriptionSource],
        longest_seconds: float = 5.0,
    ) -> None:
        self._cache = cache
        self._source = source
        self._longest_seconds = longest_seconds

    def require(self, user_id: UUID, authorization: str, now: datetime) -> Subscription:
        """Return the user's valid subscription.

        Raises ``SubscriptionRequired`` if there is none, ``EntitlementUnavailable`` if it cannot
        be determined.
        """
        subscription = self._cache.find(user_id) or self._ask(user_id, authorization, now)
        if not subscription.is_valid_at(now):
            raise SubscriptionRequired("the user has no active subscription")
        return subscription

    @staticmethod
    def cache_keys(user_id: UUID) -> Sequence[str]:
        """Return the keys of Redis that ``require`` reads first."""
        return [keys.subscription(user_id)]

    def _ask(self, user_id: UUID, authorization: str, now: datetime) -> Subscription:
        try:
            with self._time_of_its_own():
                subscription = self._source().current_subscription(authorization)
                self._cache.keep(user_id, subscription, now)
                return subscription
        except UserServiceUnavailable as error:
            known = self._cache.find_for_grace(user_id)
            if known is None:
                raise EntitlementUnavailable("the user service does not answer") from error
            logger.warning("the user service does not answer; a recent subscription is used")
            return known

    def _time_of_its_own(self) -> AbstractContextManager[None]:
        # The answer is cached, so the user's next starts do not wait again. While Redis is down it
        # is not cached, and the request has already waited for Redis: the deadline then applies.
        return nullcontext() if self._cache.is_down else apart(self._longest_seconds)
