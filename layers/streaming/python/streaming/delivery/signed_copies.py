"""Delivery by signed copies of manifests, one for each film, manifest type and time window.

All users who start in a window share its copy. The first start waits until the copy is published;
each later start needs one read of Redis and one local signature.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.protocol import PlayableFilm
from streaming.delivery.registry import CopyEntry, CopyRegistry, Published
from streaming.delivery.windows import Window, copy_key
from streaming.domain.errors import FilmUnplayable, MovieNotFound
from streaming.domain.films import MANIFEST_NAMES, ManifestType
from streaming.resilience.deadline import DeadlineExceeded, allowance
from streaming.signer.s3_signer import S3Signer

# The longest wait for another request's publication. It is also at most half of the time that is
# left, so that the request can publish the copy itself in the other half.
_PATIENCE_SECONDS = 1.5
# How long before the end of a window the copies of the next window are published.
_LEAD_SECONDS = 600


class Publisher(Protocol):
    """Publishes copies."""

    def publish(
        self,
        movie_id: UUID,
        manifest_type: ManifestType,
        window: Window,
        edition: str,
        until: datetime | None,
    ) -> int | None:
        """Write the copy of this window and edition; return the film's whole seconds, if known.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        ...


class SignedCopies:
    """Returns URLs of signed copies, and publishes missing copies.

    ``publisher`` is called only if a copy must be published, so that its S3 client is not loaded
    earlier. ``signing_id`` identifies the key and the host of signed URLs: if it changes, copies
    are published again. Times are in seconds.
    """

    def __init__(
        self,
        signer: S3Signer,
        lifetime: SigningLifetime,
        signing_id: str,
        registry: CopyRegistry,
        publisher: Callable[[], Publisher],
        expires_in: int,
        window_seconds: int,
    ) -> None:
        self._signer = signer
        self._lifetime = lifetime
        self._signing_id = signing_id
        self._registry = registry
        self._publisher = publisher
        self._expires_in = expires_in
        self._window_seconds = window_seconds

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return the URL of the film's signed copy; publish the copy first if it is missing.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        window = self._window(now)
        expires_in = self._lifetime.expires_in(self._expires_in, now)
        published = self._ensure(movie_id, manifest_type, window, now)
        name, edition = MANIFEST_NAMES[manifest_type], published.edition
        url = self._signer.generate_signed_url(
            copy_key(window, self._signing_id, edition, movie_id, name),
            expires_in=expires_in,
            signed_at=now,
        )
        return PlayableFilm(url, expires_in, published.duration_seconds)

    def cache_keys(
        self, movie_id: UUID, manifest_type: ManifestType, now: datetime
    ) -> Sequence[str]:
        """Return the keys of Redis that ``playable`` reads first."""
        return [self._entry(movie_id, manifest_type, self._window(now)).key]

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Publish the next window's copy if the current window ends soon; return whether it did.

        After a failure the copy is skipped for some time, so that it does not delay the others.
        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        window = self._window(now)
        if not self.ends_soon(now):
            return False
        entry = self._entry(movie_id, manifest_type, window.next)
        if self._registry.find(entry) is not None or self._registry.is_postponed(entry):
            return False
        claim = self._registry.claim(entry)
        if claim is None:
            return False
        try:
            # The copy may have been published before the lock was taken.
            if self._registry.find(entry) is not None:
                return False
            self._publish(movie_id, manifest_type, window.next, now)
        except Exception:
            self._registry.postpone(entry, max(1, self._lead_seconds // 4))
            raise
        finally:
            self._registry.release(claim)
        return True

    def ends_soon(self, now: datetime) -> bool:
        """Return whether the copies of the next window should be published."""
        return self._window(now).seconds_left(now) <= self._lead_seconds

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Publish the film again, as it is in the bucket now; return its manifest types.

        Raises ``MovieNotFound`` if it has none, ``StorageUnavailable``, and ``FilmUnplayable`` if
        one of them cannot be signed, after the other has been published.
        """
        window = self._window(now)
        forms: list[ManifestType] = []
        unplayable: FilmUnplayable | None = None
        for manifest_type in MANIFEST_NAMES:
            for each in (window, window.next):
                lasting = each.seconds_left(now)
                self._registry.invalidate(self._entry(movie_id, manifest_type, each), lasting)
        for manifest_type in MANIFEST_NAMES:
            # If the lock is held, do not wait: its holder may publish the former film.
            claim = self._registry.claim(self._entry(movie_id, manifest_type, window))
            try:
                self._publish(movie_id, manifest_type, window, now)
            except MovieNotFound:
                continue
            except FilmUnplayable as error:
                unplayable = error
                continue
            finally:
                if claim is not None:
                    self._registry.release(claim)
            forms.append(manifest_type)
        if unplayable is not None:
            raise unplayable
        if not forms:
            raise MovieNotFound("there is no such film")
        return forms

    def _ensure(
        self, movie_id: UUID, manifest_type: ManifestType, window: Window, now: datetime
    ) -> Published:
        entry = self._entry(movie_id, manifest_type, window)
        published = self._registry.find(entry)
        if published is not None:
            return published
        claim = self._registry.claim(entry)
        if claim is None:
            published = self._registry.await_other(entry, _patience())
            # If the wait was without success, publish too: both write the same bytes.
            return published or self._publish(movie_id, manifest_type, window, now)
        try:
            # The copy may have been published before the lock was taken.
            return self._registry.find(entry) or self._publish(movie_id, manifest_type, window, now)
        finally:
            self._registry.release(claim)

    def _publish(
        self, movie_id: UUID, manifest_type: ManifestType, window: Window, now: datetime
    ) -> Published:
        entry = self._entry(movie_id, manifest_type, window)
        until = self._lifetime.end(now)
        ttl = self._lifetime.expires_in(window.seconds_left(now), now)
        while True:
            # Read before the film, because an invalidation after that gets another edition.
            edition = self._registry.edition(entry)
            duration = self._publisher().publish(movie_id, manifest_type, window, edition, until)
            published = Published(duration, edition)
            if self._registry.set(entry, published, ttl):
                return published
            newer = self._registry.find(entry)
            if newer is not None:
                return newer

    @property
    def _lead_seconds(self) -> int:
        return min(_LEAD_SECONDS, self._window_seconds // 2)

    def _window(self, moment: datetime) -> Window:
        return Window.at(moment, self._window_seconds)

    def _entry(self, movie_id: UUID, manifest_type: ManifestType, window: Window) -> CopyEntry:
        return CopyEntry(movie_id, manifest_type, window, self._signing_id)


def _patience() -> float:
    try:
        return allowance(2 * _PATIENCE_SECONDS) / 2
    except DeadlineExceeded:
        return 0.0
