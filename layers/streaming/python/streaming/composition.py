"""Builds what the functions use: the only place that reads the environment and makes adapters.

Each part is made when a function first asks for it and lives as long as the execution environment.
Imports stand inside the builders, because a Lambda's cold start is its imports: a function loads
the clients that it uses and no other.
"""

import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING

from streaming.settings import (
    CacheSettings,
    ConfigurationError,
    DatabaseSettings,
    EventSettings,
    StorageSettings,
    TokenSettings,
    UserServiceSettings,
)

if TYPE_CHECKING:
    from streaming.cache import Cache
    from streaming.database import Database
    from streaming.delivery.playable import Delivery
    from streaming.entitlement import Entitlement
    from streaming.event_publisher import EventPublisher
    from streaming.event_sink import EventSink
    from streaming.outbox import Outbox
    from streaming.progress_cache import ProgressCache
    from streaming.repository import Repository
    from streaming.service.relay import RelayOutbox
    from streaming.service.report import ReportProgress
    from streaming.service.start import StartStream
    from streaming.service.stop import StopStream
    from streaming.service.watching import FindFilmsToContinue, FindProgress
    from streaming.signing import S3Signer
    from streaming.storage import FilmBucket
    from streaming.tokens import TokenVerifier
    from streaming.user_service import UserServiceClient


@cache
def token_verifier() -> "TokenVerifier":
    """Build what verifies tokens. Raises ``ConfigurationError`` for a weak or missing key."""
    from streaming.tokens import TokenVerifier

    return TokenVerifier(TokenSettings.from_environment(os.environ))


@cache
def start_stream() -> "StartStream":
    """Build the use case of starting a film."""
    from streaming.service.start import StartStream

    return StartStream(_entitlement(), _delivery(), _repository(), _progress_cache(), _events())


@cache
def report_progress() -> "ReportProgress":
    """Build the use case of reporting a position."""
    from streaming.service.report import ReportProgress

    return ReportProgress(_repository(), _progress_cache(), _events())


@cache
def stop_stream() -> "StopStream":
    """Build the use case of stopping a film."""
    from streaming.service.stop import StopStream

    return StopStream(_repository(), _progress_cache(), _events())


@cache
def find_progress() -> "FindProgress":
    """Build the use case of looking up a position."""
    from streaming.service.watching import FindProgress

    return FindProgress(_repository(), _progress_cache())


@cache
def find_films_to_continue() -> "FindFilmsToContinue":
    """Build the use case of listing the films to continue."""
    from streaming.service.watching import FindFilmsToContinue

    return FindFilmsToContinue(_repository())


@cache
def relay_outbox() -> "RelayOutbox":
    """Build the use case of relaying the outbox."""
    from streaming.service.relay import RelayOutbox

    return RelayOutbox(_outbox(), _event_publisher())


@cache
def _entitlement() -> "Entitlement":
    from streaming.entitlement import Entitlement

    settings = UserServiceSettings.from_environment(os.environ)
    return Entitlement(_cache(), _user_service, _cache_settings().subscription_ttl, settings.grace)


@cache
def _user_service() -> "UserServiceClient":
    from streaming.user_service import UserServiceClient

    return UserServiceClient(UserServiceSettings.from_environment(os.environ))


@cache
def _delivery() -> "Delivery":
    settings = _storage_settings()
    if settings.delivery == "direct":
        from streaming.delivery.direct import DirectDelivery

        return DirectDelivery(_signer(), _film_bucket, settings.signed_url_expiration)
    from streaming.delivery.signed_copies import SignedCopies

    return SignedCopies(
        signer=_signer(),
        cache=_cache(),
        bucket=_film_bucket,
        signing_id=_signing_id(settings),
        expires_in=settings.signed_url_expiration,
        window_seconds=settings.delivery_window,
    )


def _signing_id(settings: StorageSettings) -> str:
    signed_for = f"{settings.access_key}@{settings.public_endpoint_url}/{settings.bucket}"
    return hashlib.sha256(signed_for.encode()).hexdigest()[:12]


@cache
def _signer() -> "S3Signer":
    from streaming.signing import S3Signer, SigningKey

    settings = _storage_settings()
    if not settings.access_key or not settings.secret_key:
        raise ConfigurationError("S3_ACCESS_KEY and S3_SECRET_KEY are not set")
    return S3Signer(
        SigningKey(settings.access_key, settings.secret_key),
        region=settings.region,
        bucket=settings.bucket,
        endpoint_url=settings.public_endpoint_url,
        addressing="path" if settings.public_endpoint_url else "virtual",
    )


@cache
def _film_bucket() -> "FilmBucket":
    from streaming.storage import FilmBucket

    return FilmBucket(_storage_settings())


@cache
def _repository() -> "Repository":
    from streaming.repository import Repository

    return Repository(_database())


@cache
def _outbox() -> "Outbox":
    from streaming.outbox import Outbox

    return Outbox(_database())


@cache
def _database() -> "Database":
    from streaming.database import Database

    return Database(DatabaseSettings.from_environment(os.environ))


@cache
def _progress_cache() -> "ProgressCache":
    from streaming.progress_cache import ProgressCache

    return ProgressCache(_cache(), _cache_settings().progress_ttl)


@cache
def _cache() -> "Cache":
    from streaming.cache import Cache

    return Cache(_cache_settings())


@cache
def _events() -> "EventSink":
    from streaming.event_sink import KafkaSink, NoEvents

    settings = _event_settings()
    if not settings.enabled:
        return NoEvents()
    return KafkaSink(_event_publisher(), _outbox(), settings.topic_prefix)


@cache
def _event_publisher() -> "EventPublisher":
    from streaming.event_publisher import EventPublisher

    return EventPublisher(_event_settings())


def _cache_settings() -> CacheSettings:
    return CacheSettings.from_environment(os.environ)


def _storage_settings() -> StorageSettings:
    return StorageSettings.from_environment(os.environ)


def _event_settings() -> EventSettings:
    return EventSettings.from_environment(os.environ)
