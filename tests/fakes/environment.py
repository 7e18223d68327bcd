"""An execution environment with servers in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from streaming.access.entitlement import Entitlement
from streaming.cache.subscriptions import SubscriptionCache
from streaming.composition.environment import Environment
from streaming.delivery.presence import FilmPresence
from streaming.resilience.cache_trust import CacheTrust, Instant
from streaming.usecases.erase_user import EraseUser
from streaming.usecases.event_sink import EventSink, KafkaSink
from streaming.usecases.housekeeping.check_films import CheckFilms
from streaming.usecases.housekeeping.end_abandoned import EndAbandonedSessions
from streaming.usecases.housekeeping.expire_keys import ExpireIdempotencyKeys
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from streaming.usecases.housekeeping.renew_copies import RenewCopies
from streaming.usecases.housekeeping.retention import ForgetPersonalData
from tests.fakes.cache import MemoryCache
from tests.fakes.cache_trust import MemoryCacheTrustRecord
from tests.fakes.delivery import MemoryDelivery
from tests.fakes.films import MemoryFilms
from tests.fakes.idempotency import MemoryIdempotencyKeys
from tests.fakes.kafka import MemoryKafka
from tests.fakes.outbox import MemoryOutbox
from tests.fakes.personal_data import MemoryPersonalData
from tests.fakes.playback import MemoryPlayback
from tests.fakes.progress import MemoryProgressRecord
from tests.fakes.record import MemoryRecord
from tests.fakes.stream_slots import MemoryStreamSlots
from tests.fakes.user_service import MemoryUserService

RETENTION_DAYS = 30


class MemoryEnvironment(Environment):
    """Builds the use cases with ``record``, ``redis``, ``kafka``, ``bucket`` and ``users``.

    The servers share one clock, which only ``pass_time`` advances.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        super().__init__(variables or {})
        self.now = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
        self.record = MemoryRecord(lambda: self.now)
        self.redis = MemoryCache(lambda: self.now)
        self.kafka = MemoryKafka()
        self.bucket = MemoryDelivery()
        self.users = MemoryUserService()
        self.cache_trust_record = MemoryCacheTrustRecord(self.record, self.cache_trust)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock of the servers."""
        self.now += timedelta(seconds=seconds)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The events in Kafka, in order."""
        return [json.loads(message.value) for message in self.kafka.messages]

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """The events in the outbox, in order."""
        rows = sorted(self.record.outbox.values(), key=lambda row: row.id)
        return [json.loads(row.message.value) for row in rows]

    @cached_property
    def redis_cache(self) -> MemoryCache:
        """Redis."""
        return self.redis

    @cached_property
    def cache_trust(self) -> CacheTrust:
        """What this environment knows of the entries of Redis."""
        return CacheTrust(lambda: Instant(self.now.timestamp(), self.now.timestamp()))

    @cached_property
    def stream_slots(self) -> MemoryStreamSlots:
        """The running streams of each user."""
        return MemoryStreamSlots(self.redis)

    @cached_property
    def playback(self) -> MemoryPlayback:
        """The sessions in the database."""
        return MemoryPlayback(self.record)

    @cached_property
    def progress_record(self) -> MemoryProgressRecord:
        """The positions in the database."""
        return MemoryProgressRecord(self.record)

    @cached_property
    def idempotency_keys(self) -> MemoryIdempotencyKeys:
        """The idempotency keys in the database."""
        return MemoryIdempotencyKeys(self.record)

    @cached_property
    def films(self) -> MemoryFilms:
        """The films in the database."""
        return MemoryFilms(self.record)

    @cached_property
    def outbox(self) -> MemoryOutbox:
        """The outbox of events."""
        return MemoryOutbox(self.record)

    @cached_property
    def personal_data(self) -> MemoryPersonalData:
        """The personal data in the database."""
        return MemoryPersonalData(self.record)

    @cached_property
    def event_sink(self) -> EventSink:
        """Sends the events of the use cases to Kafka."""
        return KafkaSink(self.kafka, self.outbox, "stream")

    @cached_property
    def entitlement(self) -> Entitlement:
        """Checks whether a user has a subscription."""
        subscriptions = SubscriptionCache(self.redis, ttl_seconds=300, grace_seconds=900)
        return Entitlement(subscriptions, lambda: self.users)

    @cached_property
    def delivery(self) -> MemoryDelivery:
        """The delivery of films."""
        return self.bucket

    @cached_property
    def film_presence(self) -> FilmPresence:
        """Checks whether films are in the bucket."""
        return FilmPresence(lambda: self.bucket)

    @cached_property
    def erase_user(self) -> EraseUser:
        """Erases a user."""
        return EraseUser(
            self.personal_data, self.progress_cache, self.redis, self.cache_trust_record
        )

    @cached_property
    def end_abandoned_sessions(self) -> EndAbandonedSessions:
        """Ends abandoned sessions."""
        return EndAbandonedSessions(self.playback, self.stream_slots, self.event_sink)

    @cached_property
    def relay_outbox(self) -> RelayOutbox:
        """Relays the outbox to Kafka."""
        return RelayOutbox(self.outbox, self.kafka)

    @cached_property
    def renew_copies(self) -> RenewCopies:
        """Renews the copies of films in use."""
        return RenewCopies(self.films, self.bucket)

    @cached_property
    def check_films(self) -> CheckFilms:
        """Checks whether the films that users may continue are still in the bucket."""
        return CheckFilms(self.films, self.film_presence, self.cache_trust_record)

    @cached_property
    def expire_idempotency_keys(self) -> ExpireIdempotencyKeys:
        """Deletes old idempotency keys."""
        return ExpireIdempotencyKeys(self.idempotency_keys)

    @cached_property
    def forget_personal_data(self) -> ForgetPersonalData:
        """Deletes old personal data."""
        return ForgetPersonalData(self.personal_data, RETENTION_DAYS)
