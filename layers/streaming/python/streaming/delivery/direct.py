"""Delivery of the film's own manifest, for buckets whose segments are public."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.protocol import PlayableFilm
from streaming.domain.errors import MovieNotFound
from streaming.domain.films import MANIFEST_NAMES, ManifestType, film_prefix
from streaming.signer.s3_signer import S3Signer


class Bucket(Protocol):
    """The method of the film bucket that direct delivery uses."""

    def check_object_exists(self, key: str) -> bool:
        """Return whether the object exists. Raises ``StorageUnavailable``."""
        ...


class DirectDelivery:
    """Presigns only the manifest. ``expires_in`` is in seconds."""

    def __init__(
        self,
        signer: S3Signer,
        lifetime: SigningLifetime,
        bucket: Callable[[], Bucket],
        expires_in: int,
    ) -> None:
        self._signer = signer
        self._lifetime = lifetime
        self._bucket = bucket
        self._expires_in = expires_in

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return the URL of the manifest. Raises ``MovieNotFound``, ``StorageUnavailable``."""
        if not self._exists(movie_id, manifest_type):
            raise MovieNotFound(f"there is no film with a {manifest_type} manifest")
        expires_in = self._lifetime.expires_in(self._expires_in, now)
        url = self._signer.get_manifest_url(
            movie_id, manifest_type, expires_in=expires_in, signed_at=now
        )
        return PlayableFilm(url, expires_in, None)

    def cache_keys(
        self, movie_id: UUID, manifest_type: ManifestType, now: datetime
    ) -> Sequence[str]:
        """Return none: Redis is not read."""
        return ()

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Do nothing: there are no copies."""
        return False

    def ends_soon(self, now: datetime) -> bool:
        """Return False: there are no windows."""
        return False

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Return the film's manifest types. Raises ``MovieNotFound`` if it has none."""
        forms = [each for each in MANIFEST_NAMES if self._exists(movie_id, each)]
        if not forms:
            raise MovieNotFound("there is no such film")
        return forms

    def _exists(self, movie_id: UUID, manifest_type: ManifestType) -> bool:
        return self._bucket().check_object_exists(
            film_prefix(movie_id) + MANIFEST_NAMES[manifest_type]
        )
