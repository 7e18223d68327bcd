"""Builds the way from the bucket to the player."""

import hashlib
import os
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Literal

from aws_lambda_powertools.logging import Logger

from streaming.composition.cache import redis_cache
from streaming.composition.secret import rotating
from streaming.config.rotating_secrets import SecretUnavailable
from streaming.config.signing import SigningSettings
from streaming.config.storage import StorageSettings
from streaming.delivery.direct import DirectDelivery
from streaming.delivery.lifetime import SigningLife
from streaming.delivery.presence import FilmPresence
from streaming.delivery.protocol import Delivery
from streaming.delivery.registry import Markers
from streaming.delivery.renewed_key import RenewedKey
from streaming.delivery.signed_copies import SignedCopies
from streaming.domain import clock
from streaming.domain.errors import StorageUnavailable
from streaming.signer.bucket_address import bucket_address
from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey

if TYPE_CHECKING:
    from streaming.delivery.publisher import Publisher
    from streaming.storage.bucket import FilmBucket

logger = Logger(child=True)


@cache
def delivery() -> Delivery:
    """Build the delivery that the settings name."""
    return RenewedKey(_delivery)


def _delivery() -> tuple[Delivery, SigningLife]:
    settings, key = _storage_settings(), signing_settings()
    life, signer = _signing_life(key), signer_of(key)
    if settings.delivery == "direct":
        direct = DirectDelivery(signer, life, film_bucket, settings.signed_url_expiration)
        return direct, life
    signed_for = f"{key.access_key}@{signer.bucket_url} {settings.delivery_window}"
    signing_id = hashlib.sha256(signed_for.encode()).hexdigest()[:12]
    copies = SignedCopies(
        signer=signer,
        signing_life=life,
        signing_id=signing_id,
        markers=Markers(redis_cache()),
        publisher=cache(lambda: _publisher(signer, signing_id)),
        expires_in=settings.signed_url_expiration,
        window_seconds=settings.delivery_window,
    )
    return copies, life


@cache
def film_presence() -> FilmPresence:
    """Build what looks for films."""
    return FilmPresence(film_bucket)


@cache
def film_bucket() -> "FilmBucket":
    """Build the connection to S3."""
    # boto3 costs more than everything else together, and only publishing a copy needs it.
    from streaming.storage.bucket import FilmBucket

    return FilmBucket(_storage_settings())


def signing_settings() -> SigningSettings:
    """Return the key that signs URLs: one of its own, else that of the function's role.

    Raises ``StorageUnavailable`` when it cannot be read.
    """
    # Read once: a rotated key stays active for as long as the URLs that it has signed.
    source = rotating(SigningSettings.from_environment, "S3_SIGNING_SECRET_ARN")
    try:
        if source is not None:
            return source.current()
        if os.environ.get("S3_ACCESS_KEY") or os.environ.get("AWS_ACCESS_KEY_ID"):
            return SigningSettings.from_environment(os.environ)
        # As Lambda does it where an environment was restored from a snapshot.
        from streaming.config.container_credentials import container_credentials
        from streaming.resilience.http_exchange import HttpExchange

        credentials = container_credentials(os.environ, HttpExchange())
        return SigningSettings.from_environment({**os.environ, **credentials})
    except SecretUnavailable as error:
        raise StorageUnavailable("the key that signs URLs cannot be read") from error


def signer_of(key: SigningSettings) -> S3Signer:
    """Build what signs URLs with ``key``."""
    settings = _storage_settings()
    return S3Signer(
        SigningKey(key.access_key, key.secret_key, key.session_token),
        region=settings.region,
        bucket=settings.bucket,
        endpoint_url=settings.public_endpoint_url,
        addressing=_addressing(settings.public_endpoint_url),
    )


def _publisher(signer: S3Signer, signing_id: str) -> "Publisher":
    from streaming.delivery.publisher import Publisher

    settings = _storage_settings()
    inside = bucket_address(
        settings.bucket,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        addressing=_addressing(settings.endpoint_url),
    )
    roots = dict.fromkeys((signer.bucket_url, inside.url))
    return Publisher(film_bucket(), signer, signing_id, tuple(roots))


def _signing_life(key: SigningSettings) -> SigningLife:
    if key.session_token is None:
        return SigningLife()
    first_seen_at = _first_seen().setdefault(key.access_key, clock.now())
    life = SigningLife(key.expires_at or first_seen_at + key.session_life)
    logger.warning(
        "URLs are signed with temporary credentials and die with them",
        expires_at=life.expires_at,
        is_known=key.expires_at is not None,
    )
    return life


@cache
def _first_seen() -> dict[str, datetime]:
    """Return when this environment first saw each key; none was made later than that."""
    return {}


def _storage_settings() -> StorageSettings:
    return StorageSettings.from_environment(os.environ)


def _addressing(endpoint_url: str | None) -> Literal["path", "virtual"]:
    return "path" if endpoint_url else "virtual"
