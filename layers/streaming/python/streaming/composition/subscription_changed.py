"""Builds what seeing changed subscriptions needs."""

from functools import cache

from streaming.composition.cache import redis_cache
from streaming.usecases.forget_subscriptions import ForgetSubscriptions


@cache
def forget_subscriptions() -> ForgetSubscriptions:
    """Build the use case."""
    return ForgetSubscriptions(redis_cache())
