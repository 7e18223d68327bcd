"""Builds the cache."""

import os
from functools import cache

from streaming.cache.client import Cache
from streaming.composition.secret import rotating
from streaming.config.cache import CacheSettings


@cache
def redis_cache() -> Cache:
    """Build the connection to Redis."""
    settings = CacheSettings.from_environment(os.environ)
    return Cache(settings, rotating(CacheSettings.from_environment, "REDIS_SECRET_ARN"))
