"""Builds what starting a film needs."""

import os
from functools import cache
from typing import TYPE_CHECKING

from streaming.access.entitlement import Entitlement
from streaming.cache.subscriptions import SubscriptionCache
from streaming.composition.cache import redis_cache
from streaming.composition.delivery import delivery, film_presence
from streaming.composition.events import event_sink
from streaming.composition.record import (
    films,
    idempotency_keys,
    playback,
    progress_cache,
    stream_slots,
)
from streaming.config.cache import CacheSettings
from streaming.config.user_service import UserServiceSettings
from streaming.config.viewing import SessionSettings
from streaming.usecases.start_stream import StartStream
from streaming.usecases.stream_limit import StreamLimit

if TYPE_CHECKING:
    from streaming.access.user_service import UserServiceClient


@cache
def start_stream() -> StartStream:
    """Build the use case."""
    return StartStream(
        _entitlement(),
        StreamLimit(stream_slots(), playback(), event_sink()),
        delivery(),
        playback(),
        idempotency_keys(),
        progress_cache(),
        event_sink(),
        films(),
        film_presence(),
        SessionSettings.from_environment(os.environ).max_streams,
    )


@cache
def _entitlement() -> Entitlement:
    user_service = UserServiceSettings.from_environment(os.environ)
    subscriptions = SubscriptionCache(
        redis_cache(),
        CacheSettings.from_environment(os.environ).subscription_ttl,
        user_service.grace,
    )
    return Entitlement(subscriptions, _user_service, user_service.timeout)


@cache
def _user_service() -> "UserServiceClient":
    # Most starts find the subscription in Redis and need no HTTP client.
    from streaming.access.user_service import UserServiceClient

    return UserServiceClient(UserServiceSettings.from_environment(os.environ))
