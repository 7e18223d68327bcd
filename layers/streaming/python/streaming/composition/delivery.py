"""Builds the way from the bucket to the player."""

import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING

from streaming.composition.record import redis_cache
from streaming.delivery.direct import DirectDelivery
from streaming.delivery.playable import Delivery
from streaming.delivery.signed_copies import SignedCopies
from streaming.settings import ConfigurationError, StorageSettings
from streaming.signing import S3Signer, SigningKey

if TYPE_CHECKING:
    from streaming.storage import FilmBucket


@cache
def delivery() -> Delivery:
    """Build the delivery that the settings name."""
    settings = StorageSettings.from_environment(os.environ)
    if settings.delivery == "direct":
        return DirectDelivery(_signer(settings), film_bucket, settings.signed_url_expiration)
    return SignedCopies(
        signer=_signer(settings),
        cache=redis_cache(),
        bucket=film_bucket,
        signing_id=_signing_id(settings),
        expires_in=settings.signed_url_expiration,
        window_seconds=settings.delivery_window,
    )


@cache
def film_bucket() -> "FilmBucket":
    """Build the connection to S3."""
    # boto3 costs more than everything else together, and only publishing a copy needs it.
    from streaming.storage import FilmBucket

    return FilmBucket(StorageSettings.from_environment(os.environ))


def _signer(settings: StorageSettings) -> S3Signer:
    if not settings.access_key or not settings.secret_key:
        raise ConfigurationError("S3_ACCESS_KEY and S3_SECRET_KEY are not set")
    return S3Signer(
        SigningKey(settings.access_key, settings.secret_key),
        region=settings.region,
        bucket=settings.bucket,
        endpoint_url=settings.public_endpoint_url,
        addressing="path" if settings.public_endpoint_url else "virtual",
    )


def _signing_id(settings: StorageSettings) -> str:
    signed_for = f"{settings.access_key}@{settings.public_endpoint_url}/{settings.bucket}"
    return hashlib.sha256(signed_for.encode()).hexdigest()[:12]
