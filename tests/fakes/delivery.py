"""A bucket of films and their delivery, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from streaming.delivery.protocol import PlayableFilm
from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from streaming.domain.films import MANIFEST_NAMES, ManifestType, film_prefix

EXPIRES_IN = 3600


@dataclass(frozen=True)
class StoredFilm:
    """A film in the bucket. One that is not ``playable`` has a broken manifest."""

    forms: tuple[ManifestType, ...] = ("hls",)
    duration_seconds: int | None = 1000
    playable: bool = True


@dataclass
class MemoryDelivery:
    """A bucket of ``films``. While it ``is_down``, methods raise ``StorageUnavailable``.

    ``renewed`` and ``republished`` list the films for which these methods succeeded. With
    ``is_window_ending`` films in use must be renewed. It implements ``Delivery``, and can be the
    bucket of a ``FilmPresence``.
    """

    films: dict[UUID, StoredFilm] = field(default_factory=dict)
    is_down: bool = False
    is_window_ending: bool = True
    renewed: list[tuple[UUID, ManifestType]] = field(default_factory=list)
    republished: list[UUID] = field(default_factory=list)

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return the URL of the film, its time to live and the film's length."""
        film = self._film(movie_id, manifest_type)
        url = f"https://films.test/{movie_id}/{manifest_type}"
        return PlayableFilm(url, EXPIRES_IN, film.duration_seconds)

    def cache_keys(
        self, movie_id: UUID, manifest_type: ManifestType, now: datetime
    ) -> Sequence[str]:
        """Return none: there is no Redis."""
        return ()

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Publish the film for the next window; return False if it was published before."""
        self._film(movie_id, manifest_type)
        if (movie_id, manifest_type) in self.renewed:
            return False
        self.renewed.append((movie_id, manifest_type))
        return True

    def ends_soon(self, now: datetime) -> bool:
        """Return ``is_window_ending``."""
        return self.is_window_ending

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Publish the film again; return its manifest types."""
        film = self._film(movie_id)
        self.republished.append(movie_id)
        return list(film.forms)

    def check_object_exists(self, key: str) -> bool:
        """Return whether the bucket contains the object. Raises ``StorageUnavailable``."""
        if self.is_down:
            raise StorageUnavailable("the storage does not answer")
        return any(
            key == film_prefix(movie_id) + MANIFEST_NAMES[form]
            for movie_id, film in self.films.items()
            for form in film.forms
        )

    def _film(self, movie_id: UUID, form: ManifestType | None = None) -> StoredFilm:
        if self.is_down:
            raise StorageUnavailable("the storage does not answer")
        film = self.films.get(movie_id)
        if film is None or (form is not None and form not in film.forms):
            raise MovieNotFound("there is no such film")
        if not film.playable:
            raise FilmUnplayable("the manifest is broken")
        return film
