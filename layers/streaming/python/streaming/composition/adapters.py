"""The adapters of an execution environment: its connections to Redis, PostgreSQL and Kafka."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from streaming.composition.settings import Settings

if TYPE_CHECKING:
    from streaming.access.entitlement import Entitlement
    from streaming.access.jwks import KeySet
    from streaming.access.tokens import TokenVerifier
    from streaming.access.user_service import UserServiceClient
    from streaming.cache.client import Cache
    from streaming.cache.progress import ProgressCache
    from streaming.cache.stream_slots import StreamSlots
    from streaming.config.cache import CacheSettings
    from streaming.config.database import DatabaseSettings
    from streaming.config.rotating_secrets import Rotating
    from streaming.config.tokens import TokenSettings
    from streaming.config.user_service import UserServiceSettings
    from streaming.events.event import Action
    from streaming.events.producer import EventProducer
    from streaming.repository.cache_trust import CacheTrustRecord
    from streaming.repository.database import Database
    from streaming.repository.films import Films
    from streaming.repository.idempotency import IdempotencyKeys
    from streaming.repository.outbox import Outbox
    from streaming.repository.playback import Playback
    from streaming.repository.progress import ProgressRecord
    from streaming.resilience.cache_trust import CacheTrust
    from streaming.usecases.event_sink import EventSink

# Housekeeping reads more rows than a request, and erasing a user waits for a running relay of the
# user's events.
_PATIENT_SECONDS = 10.0


class Adapters(Settings):
    """Builds each adapter once, when it is first used. Building does not wait for a server."""

    @cached_property
    def cache_settings(self) -> CacheSettings:
        """How to connect to Redis, and how long values live there."""
        from streaming.config.cache import CacheSettings

        return CacheSettings.from_environment(self.variables)

    @cached_property
    def redis_cache(self) -> Cache:
        """The connection to Redis."""
        from streaming.cache.client import Cache
        from streaming.config.cache import CacheSettings

        source = self.rotating(CacheSettings.from_environment, "REDIS_SECRET_ARN")
        return Cache(self.cache_settings, source)

    @cached_property
    def progress_cache(self) -> ProgressCache:
        """The cache of saved progress."""
        from streaming.cache.progress import ProgressCache

        return ProgressCache(self.redis_cache, self.cache_settings.progress_ttl)

    @cached_property
    def cache_trust(self) -> CacheTrust:
        """What is known of the entries of Redis that may answer for PostgreSQL."""
        from streaming.resilience.cache_trust import CacheTrust

        return CacheTrust()

    @cached_property
    def cache_trust_record(self) -> CacheTrustRecord:
        """The record of the entries of Redis that may answer for PostgreSQL."""
        from streaming.repository.cache_trust import CacheTrustRecord

        return CacheTrustRecord(self.database, self.cache_trust)

    @cached_property
    def stream_slots(self) -> StreamSlots:
        """The slots of running streams."""
        from streaming.cache.stream_slots import StreamSlots

        return StreamSlots(self.redis_cache)

    @cached_property
    def database(self) -> Database:
        """The connection to PostgreSQL for requests."""
        from streaming.repository.cache_trust import CacheTrustRider
        from streaming.repository.database import Database

        return Database(self.database_settings(), rider=CacheTrustRider(self.cache_trust))

    @cached_property
    def patient_database(self) -> Database:
        """The connection to PostgreSQL for work outside playback requests, with more time."""
        from streaming.repository.database import Database

        return Database(self.database_settings(), _PATIENT_SECONDS)

    def database_settings(self) -> DatabaseSettings | Rotating[DatabaseSettings]:
        """Return the settings of the connection to PostgreSQL."""
        from streaming.config.database import DatabaseSettings

        return self.settings_of(DatabaseSettings.from_environment, "DATABASE_SECRET_ARN")

    @cached_property
    def playback(self) -> Playback:
        """The record of sessions."""
        from streaming.repository.playback import Playback

        return Playback(self.database)

    @cached_property
    def progress_record(self) -> ProgressRecord:
        """The record of positions."""
        from streaming.repository.progress import ProgressRecord

        return ProgressRecord(self.database)

    @cached_property
    def idempotency_keys(self) -> IdempotencyKeys:
        """The record of idempotency keys."""
        from streaming.repository.idempotency import IdempotencyKeys

        return IdempotencyKeys(self.database)

    @cached_property
    def films(self) -> Films:
        """The record of films."""
        from streaming.repository.films import Films

        return Films(self.database)

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox of events."""
        from streaming.repository.outbox import Outbox

        return Outbox(self.database)

    @cached_property
    def event_producer(self) -> EventProducer:
        """The connection to Kafka."""
        from streaming.config.events import EventSettings
        from streaming.events.producer import EventProducer

        return EventProducer(self.settings_of(EventSettings.from_environment, "KAFKA_SECRET_ARN"))

    def connect_to_kafka(self, action: Action) -> None:
        """Start to connect to Kafka for the events of ``action``, unless they are disabled.

        The first request of an environment needs Kafka only after it has connected to PostgreSQL
        and used it. No connection exists before a request, so none is part of a SnapStart snapshot.
        """
        from streaming.config.events import EventSettings
        from streaming.events.event import topic_of

        if EventSettings.are_enabled(self.variables):
            topic_prefix = EventSettings.topic_prefix_of(self.variables)
            self.event_producer.connect_ahead(topic_of(action, topic_prefix))

    @cached_property
    def event_sink(self) -> EventSink:
        """The destination of the use cases' events."""
        from streaming.config.events import EventSettings
        from streaming.usecases.event_sink import KafkaSink, NoEvents

        if not EventSettings.are_enabled(self.variables):
            return NoEvents()
        topic_prefix = EventSettings.topic_prefix_of(self.variables)
        return KafkaSink(self.event_producer, self.outbox, topic_prefix)

    @cached_property
    def token_verifier(self) -> TokenVerifier:
        """The verifier of tokens. Raises ``SecretUnavailable``."""
        from streaming.access.tokens import TokenVerifier
        from streaming.config.tokens import TokenSettings

        source = self.rotating(TokenSettings.from_environment, "JWT_SECRET_ARN")
        settings = source.current() if source else TokenSettings.from_environment(self.variables)
        return TokenVerifier(settings, source, _key_set(settings))

    @cached_property
    def entitlement(self) -> Entitlement:
        """The check of subscriptions."""
        from streaming.access.entitlement import Entitlement
        from streaming.cache.subscriptions import SubscriptionCache

        settings = self.user_service_settings
        ttl = self.cache_settings.subscription_ttl
        subscriptions = SubscriptionCache(self.redis_cache, ttl, settings.grace)
        # Most starts find the subscription in Redis and need no HTTP client.
        return Entitlement(subscriptions, lambda: self.user_service, settings.timeout)

    @cached_property
    def user_service(self) -> UserServiceClient:
        """The connection to the user service."""
        from streaming.access.user_service import UserServiceClient

        return UserServiceClient(self.user_service_settings)

    @cached_property
    def user_service_settings(self) -> UserServiceSettings:
        """How to connect to the user service."""
        from streaming.config.user_service import UserServiceSettings

        return UserServiceSettings.from_environment(self.variables)


def _key_set(settings: TokenSettings) -> KeySet | None:
    if settings.secrets or not settings.jwks_url:
        return None
    # Tokens signed with a shared secret need no HTTP client.
    from streaming.access.jwks import KeySet

    return KeySet(settings.jwks_url, settings.algorithm)
