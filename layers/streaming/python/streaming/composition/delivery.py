"""The parts of an execution environment that deliver films from the bucket to players."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal

from aws_lambda_powertools.logging import Logger

from streaming.composition.adapters import Adapters

if TYPE_CHECKING:
    from streaming.config.signing import SigningSettings
    from streaming.config.storage import StorageSettings
    from streaming.config.variables import Variables
    from streaming.delivery.lifetime import SigningLifetime
    from streaming.delivery.presence import FilmPresence
    from streaming.delivery.protocol import Delivery
    from streaming.delivery.publisher import Publisher
    from streaming.signer.s3_signer import S3Signer
    from streaming.storage.bucket import FilmBucket

logger = Logger(child=True)


class DeliveryAdapters(Adapters):
    """Builds delivery and its dependencies."""

    @cached_property
    def delivery(self) -> Delivery:
        """The delivery that the settings name."""
        from streaming.delivery.renewed_key import RenewedKey

        return RenewedKey(self.build_delivery)

    @cached_property
    def film_presence(self) -> FilmPresence:
        """The check whether the bucket contains a film."""
        from streaming.delivery.presence import FilmPresence

        return FilmPresence(lambda: self.film_bucket)

    @cached_property
    def film_bucket(self) -> FilmBucket:
        """The connection to S3. Most starts do not use it, and importing boto3 is slow."""
        from streaming.storage.bucket import FilmBucket

        return FilmBucket(self.storage_settings)

    @cached_property
    def storage_settings(self) -> StorageSettings:
        """Where films are stored and how they are delivered."""
        from streaming.config.storage import StorageSettings

        return StorageSettings.from_environment(self.variables)

    def build_delivery(self) -> tuple[Delivery, SigningLifetime]:
        """Return a delivery that signs with the present key, and the lifetime of this key.

        Raises ``StorageUnavailable`` if the key cannot be read.
        """
        from streaming.delivery.direct import DirectDelivery
        from streaming.delivery.registry import CopyRegistry
        from streaming.delivery.signed_copies import SignedCopies

        settings, key = self.storage_settings, self.read_signing_key()
        life, signer = self.signing_lifetime(key), self.signer_of(key)
        if settings.delivery == "direct":
            expires_in = settings.signed_url_expiration
            return DirectDelivery(signer, life, lambda: self.film_bucket, expires_in), life
        signed_for = f"{key.access_key}@{signer.bucket_url} {settings.delivery_window}"
        signing_id = hashlib.sha256(signed_for.encode()).hexdigest()[:12]
        copies = SignedCopies(
            signer=signer,
            lifetime=life,
            signing_id=signing_id,
            registry=CopyRegistry(self.redis_cache),
            publisher=cache(lambda: self.publisher_of(signer, signing_id)),
            expires_in=settings.signed_url_expiration,
            window_seconds=settings.delivery_window,
        )
        return copies, life

    def read_signing_key(self) -> SigningSettings:
        """Return the key that signs URLs: a dedicated one, else that of the function's role.

        Raises ``StorageUnavailable`` if it cannot be read.
        """
        from streaming.config.rotating_secrets import SecretUnavailable
        from streaming.config.signing import SigningSettings
        from streaming.domain.errors import StorageUnavailable

        # Read once: a rotated key remains active until the URLs that it has signed expire.
        source = self.rotating(SigningSettings.from_environment, "S3_SIGNING_SECRET_ARN")
        try:
            if source is not None:
                return source.current()
            has_key = self.variables.get("S3_ACCESS_KEY") or self.variables.get("AWS_ACCESS_KEY_ID")
            variables = self.variables if has_key else _with_container_credentials(self.variables)
            return SigningSettings.from_environment(variables)
        except SecretUnavailable as error:
            raise StorageUnavailable("the key that signs URLs cannot be read") from error

    def signer_of(self, key: SigningSettings) -> S3Signer:
        """Return a signer with ``key``."""
        from streaming.signer.s3_signer import S3Signer
        from streaming.signer.sigv4 import SigningKey

        settings = self.storage_settings
        return S3Signer(
            SigningKey(key.access_key, key.secret_key, key.session_token),
            region=settings.region,
            bucket=settings.bucket,
            endpoint_url=settings.public_endpoint_url,
            addressing=_addressing(settings.public_endpoint_url),
        )

    def publisher_of(self, signer: S3Signer, signing_id: str) -> Publisher:
        """Return a publisher of copies that ``signer`` signs."""
        from streaming.delivery.publisher import Publisher
        from streaming.signer.bucket_address import bucket_address

        settings = self.storage_settings
        inside = bucket_address(
            settings.bucket,
            region=settings.region,
            endpoint_url=settings.endpoint_url,
            addressing=_addressing(settings.endpoint_url),
        )
        roots = dict.fromkeys((signer.bucket_url, inside.url))
        return Publisher(self.film_bucket, signer, signing_id, tuple(roots))

    def signing_lifetime(self, key: SigningSettings) -> SigningLifetime:
        """Return the lifetime of ``key``: as given, or counted from when it was first seen."""
        from streaming.delivery.lifetime import SigningLifetime
        from streaming.domain import clock

        if key.session_token is None:
            return SigningLifetime()
        first_seen_at = self._first_seen.setdefault(key.access_key, clock.now())
        life = SigningLifetime(key.expires_at or first_seen_at + key.session_life)
        logger.warning(
            "URLs are signed with temporary credentials and expire with them",
            expires_at=life.expires_at,
            is_known=key.expires_at is not None,
        )
        return life

    @cached_property
    def _first_seen(self) -> dict[str, datetime]:
        """When this environment first saw each key; the key was created before."""
        return {}


def _with_container_credentials(variables: Variables) -> Variables:
    # An environment that was restored from a snapshot has no credentials in its variables.
    from streaming.config.container_credentials import container_credentials
    from streaming.resilience.stdlib_http import StdlibHttp

    return {**variables, **container_credentials(variables, StdlibHttp())}


def _addressing(endpoint_url: str | None) -> Literal["path", "virtual"]:
    return "path" if endpoint_url else "virtual"
