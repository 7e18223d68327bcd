"""Builds the way from the bucket to the player."""

import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING, Literal

from aws_lambda_powertools.logging import Logger

from streaming.bucket_address import bucket_address
from streaming.composition.cache import redis_cache
from streaming.composition.secret import rotating
from streaming.delivery.direct import DirectDelivery
from streaming.delivery.markers import Markers
from streaming.delivery.playable import Delivery
from streaming.delivery.presence import FilmPresence
from streaming.delivery.signed_copies import SignedCopies
from streaming.delivery.signing_life import SigningLife
from streaming.errors import StorageUnavailable
from streaming.secrets import SecretUnavailable
from streaming.settings import SigningSettings, StorageSettings
from streaming.signing import S3Signer, SigningKey

if TYPE_CHECKING:
    from streaming.delivery.publishing import Publisher
    from streaming.storage import FilmBucket

logger = Logger(child=True)


@cache
def delivery() -> Delivery:
    """Build the delivery that the settings name."""
    settings = _storage_settings()
    if settings.delivery == "direct":
        return DirectDelivery(
            _signer(), _signing_life(), film_bucket, settings.signed_url_expiration
        )
    return SignedCopies(
        signer=_signer(),
        signing_life=_signing_life(),
        signing_id=_signing_id(settings),
        markers=Markers(redis_cache()),
        publisher=_publisher,
        expires_in=settings.signed_url_expiration,
        window_seconds=settings.delivery_window,
    )


@cache
def film_presence() -> FilmPresence:
    """Build what looks for films."""
    return FilmPresence(film_bucket)


@cache
def film_bucket() -> "FilmBucket":
    """Build the connection to S3."""
    # boto3 costs more than everything else together, and only publishing a copy needs it.
    from streaming.storage import FilmBucket

    return FilmBucket(_storage_settings())


@cache
def _publisher() -> "Publisher":
    from streaming.delivery.publishing import Publisher

    settings = _storage_settings()
    inside = bucket_address(
        settings.bucket,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        addressing=_addressing(settings.endpoint_url),
    )
    roots = dict.fromkeys((_signer().bucket_url, inside.url))
    return Publisher(film_bucket(), _signer(), _signing_id(settings), tuple(roots))


@cache
def _signer() -> S3Signer:
    settings, key = _storage_settings(), _signing_settings()
    return S3Signer(
        SigningKey(key.access_key, key.secret_key, key.session_token),
        region=settings.region,
        bucket=settings.bucket,
        endpoint_url=settings.public_endpoint_url,
        addressing=_addressing(settings.public_endpoint_url),
    )


@cache
def _signing_life() -> SigningLife:
    settings = _signing_settings()
    life = SigningLife(settings.session_token is not None, settings.expires_at)
    if life.is_temporary:
        logger.warning(
            "URLs are signed with temporary credentials and die with them",
            expires_at=settings.expires_at.isoformat() if settings.expires_at else "unknown",
        )
    return life


def _signing_id(settings: StorageSettings) -> str:
    key = _signing_settings().access_key
    signed_for = f"{key}@{_signer().bucket_url} {settings.delivery_window}"
    return hashlib.sha256(signed_for.encode()).hexdigest()[:12]


@cache
def _signing_settings() -> SigningSettings:
    # Read once: a rotated key stays active for as long as the URLs that it has signed.
    source = rotating(SigningSettings.from_environment, "S3_SIGNING_SECRET_ARN")
    if source is None:
        return SigningSettings.from_environment(os.environ)
    try:
        return source.current()
    except SecretUnavailable as error:
        raise StorageUnavailable("the key that signs URLs cannot be read") from error


def _storage_settings() -> StorageSettings:
    return StorageSettings.from_environment(os.environ)


def _addressing(endpoint_url: str | None) -> Literal["path", "virtual"]:
    return "path" if endpoint_url else "virtual"
