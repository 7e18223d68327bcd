"""Builds the record of what was watched, and its cache."""

import os
from functools import cache

from streaming.cache.progress import ProgressCache
from streaming.cache.stream_slots import StreamSlots
from streaming.composition.cache import redis_cache
from streaming.composition.secret import rotating
from streaming.config.cache import CacheSettings
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from streaming.repository.films import Films
from streaming.repository.idempotency import IdempotencyKeys
from streaming.repository.outbox import Outbox
from streaming.repository.playback import Playback
from streaming.repository.progress import ProgressRecord


@cache
def database() -> Database:
    """Build the connection to PostgreSQL."""
    source = rotating(DatabaseSettings.from_environment, "DATABASE_SECRET_ARN")
    return Database(source or DatabaseSettings.from_environment(os.environ))


@cache
def playback() -> Playback:
    """Build the record of sessions."""
    return Playback(database())


@cache
def progress_record() -> ProgressRecord:
    """Build the record of positions."""
    return ProgressRecord(database())


@cache
def idempotency_keys() -> IdempotencyKeys:
    """Build the record of idempotency keys."""
    return IdempotencyKeys(database())


@cache
def films() -> Films:
    """Build the record of films."""
    return Films(database())


@cache
def outbox() -> Outbox:
    """Build the outbox."""
    return Outbox(database())


@cache
def stream_slots() -> StreamSlots:
    """Build the count of the streams that run."""
    return StreamSlots(redis_cache())


@cache
def progress_cache() -> ProgressCache:
    """Build the cache of saved progress."""
    return ProgressCache(redis_cache(), CacheSettings.from_environment(os.environ).progress_ttl)
