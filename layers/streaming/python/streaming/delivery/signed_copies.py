"""Publishes signed copies of a film's manifests and hands out their URLs.

A copy is written once per film, form and window, and serves everybody who starts in that window.
The window makes it deterministic: two functions that race write the same bytes.
"""

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol
from uuid import UUID

from streaming.cache import Cache
from streaming.delivery.playable import PlayableFilm
from streaming.delivery.window import Window
from streaming.manifests.references import FilmLocation, Reference
from streaming.signing import MANIFEST_NAMES, ManifestType, S3Signer

_CONTENT_TYPES: dict[ManifestType, str] = {
    "hls": "application/vnd.apple.mpegurl",
    "dash": "application/dash+xml",
}
_WRITERS = 8
_MOST_REMEMBERED = 1000


class Bucket(Protocol):
    """What publishing needs of the film bucket; each raises ``StorageUnavailable``."""

    def read(self, key: str, largest: int) -> bytes:
        """Return an object's bytes; raises ``ObjectNotFound`` and ``ObjectTooLarge``."""
        ...

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Put an object."""
        ...


class SignedCopies:
    """Delivery by signed copies.

    ``bucket`` is called only when a copy has to be published, so that its client need not be
    loaded before. ``signing_id`` names the key and the host that URLs are signed for: when they
    change, copies are published anew. Times are seconds.
    """

    def __init__(
        self,
        signer: S3Signer,
        cache: Cache,
        bucket: Callable[[], Bucket],
        signing_id: str,
        expires_in: int,
        window_seconds: int,
    ) -> None:
        self._signer = signer
        self._cache = cache
        self._bucket = bucket
        self._signing_id = signing_id
        self._expires_in = expires_in
        self._window_seconds = window_seconds
        self._durations: dict[str, int | None] = {}

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return the URL of the film's signed copy, publishing it first where there is none yet.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        window = Window.at(now, self._window_seconds)
        marker = f"delivery:{movie_id}:{manifest_type}:{window.name}:{self._signing_id}"
        if not self._is_published(marker):
            duration = self._publish(movie_id, manifest_type, window)
            self._cache.set(marker, {"duration_seconds": duration}, window.seconds_left(now))
            self._remember(marker, duration)
        entry = _copy_prefix(window, movie_id) + MANIFEST_NAMES[manifest_type]
        url = self._signer.generate_signed_url(entry, expires_in=self._expires_in, signed_at=now)
        return PlayableFilm(url, self._expires_in, self._durations[marker])

    def _is_published(self, marker: str) -> bool:
        if marker in self._durations:
            return True
        value = self._cache.get(marker)
        if value is None:
            return False
        duration = value.get("duration_seconds")
        self._remember(marker, duration if isinstance(duration, int) else None)
        return True

    def _remember(self, marker: str, duration_seconds: int | None) -> None:
        if len(self._durations) >= _MOST_REMEMBERED:
            self._durations.clear()
        self._durations[marker] = duration_seconds

    def _publish(self, movie_id: UUID, manifest_type: ManifestType, window: Window) -> int | None:
        # Reading and rewriting manifests is loaded when a copy is made, not at every cold start.
        from streaming.delivery.film import load_film

        bucket = self._bucket()
        film_prefix, copy_prefix = f"movies/{movie_id}/", _copy_prefix(window, movie_id)
        location = FilmLocation((self._signer.bucket_url + film_prefix,))
        film = load_film(bucket, film_prefix, manifest_type, location)
        life = window.signature_life(film.duration_seconds or 0)
        sign = self._signer.at(window.begins_at, life)

        def url_for(reference: Reference) -> str:
            return sign((copy_prefix if reference.is_manifest else film_prefix) + reference.path)

        def write(path: str) -> None:
            bucket.write(
                copy_prefix + path,
                gzip.compress(film.manifests[path].render(url_for), mtime=0),
                content_type=_CONTENT_TYPES[manifest_type],
                content_encoding="gzip",
                max_age=self._window_seconds,
            )

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write, [path for path in film.manifests if path != film.entry]))
        # Last, so that whoever finds it finds all that it leads to.
        write(film.entry)
        return round(film.duration_seconds) if film.duration_seconds else None


def _copy_prefix(window: Window, movie_id: UUID) -> str:
    return f"playback/{window.name}/movies/{movie_id}/"
