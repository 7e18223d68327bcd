"""Delivery by signed copies of the film's manifests, one per film, form and time window.

All viewers who start in a window share its copy: the first one waits for it to be published, the
others cost one Redis read and one local signature.
"""

from collections.abc import Callable
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

# For how long to wait for somebody else's publication, at most; and at most for half of the time
# that the request has left, so that the other half is there for one's own.
_PATIENCE_SECONDS = 1.5
# How long before a window's end the next one's copies are made.
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
        """Write the copy of that window and edition; return the film's seconds, if they are known.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        ...


class SignedCopies:
    """Hands out URLs of signed copies, and has them published.

    ``publisher`` is called only when a copy has to be published, so that its S3 client need not be
    loaded before. ``signing_id`` names the key and the host that URLs are signed for: when they
    change, copies are published anew. Times are seconds.
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
        """Return the URL of the film's signed copy, publishing it first where there is none yet.

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

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Publish the next window's copy if the current one ends soon; tell whether it was done.

        A copy that could not be published is left alone for a while: others have their turn.
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
            # Another may have published between the look and the claim.
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
        """Tell whether the next window's copies are due."""
        return self._window(now).seconds_left(now) <= self._lead_seconds

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Publish the film's copies anew, as it is in the bucket now; return its forms.

        Raises ``MovieNotFound`` when it has none, ``StorageUnavailable``, and ``FilmUnplayable``
        when one of them cannot be signed, after the other was published.
        """
        window = self._window(now)
        forms: list[ManifestType] = []
        unplayable: FilmUnplayable | None = None
        for manifest_type in MANIFEST_NAMES:
            for each in (window, window.next):
                lasting = each.seconds_left(now)
                self._registry.invalidate(self._entry(movie_id, manifest_type, each), lasting)
        for manifest_type in MANIFEST_NAMES:
            # Somebody who publishes what was there before need not be waited for.
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
            # Whoever waited in vain publishes too: both write the same bytes.
            return published or self._publish(movie_id, manifest_type, window, now)
        try:
            # Another may have published between the look and the claim.
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
            # Read before the film is: what was invalidated later gets another edition.
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
