"""The rows of ``films``, in memory."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from streaming.domain.films import ManifestType
from streaming.repository.films import Films
from tests.fakes.record import FilmRow, MemoryRecord


class MemoryFilms(Films):
    """The films of a ``MemoryRecord``."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def keep(self, movie_id: UUID, duration_seconds: int | None, at: datetime) -> None:
        """Record that the film exists, and its length in seconds if known."""
        with self._record.transaction():
            keep(self._record, movie_id, duration_seconds, at)

    def mark(self, movie_id: UUID, at: datetime, *, is_there: bool) -> None:
        """Record whether the bucket contains the film. Ignores a film without a row."""
        with self._record.transaction():
            if film := self._record.films.get(movie_id):
                self._record.films[movie_id] = replace(film, is_there=is_there, checked_at=at)

    def mark_all(self, found: Mapping[UUID, bool], at: datetime) -> None:
        """Record for each film whether the bucket contains it."""
        with self._record.transaction():
            for movie_id, is_there in found.items():
                if film := self._record.films.get(movie_id):
                    self._record.films[movie_id] = replace(film, is_there=is_there, checked_at=at)

    def find_due(self, before: datetime, limit: int) -> list[UUID]:
        """Return films that were not checked since ``before``, the oldest check first."""
        with self._record.transaction():
            due = [
                (film.checked_at is not None, film.checked_at or before, movie_id)
                for movie_id, film in self._record.films.items()
                if film.checked_at is None or film.checked_at < before
            ]
            return [movie_id for _, _, movie_id in sorted(due)[:limit]]

    def find_in_use(
        self, now: datetime, seconds: int, limit: int
    ) -> list[tuple[UUID, ManifestType]]:
        """Return films and manifest types started in the last ``seconds``, most started first."""
        with self._record.transaction():
            starts = Counter(
                (session.movie_id, session.manifest_type)
                for session in self._record.sessions.values()
                if session.started_at > now - timedelta(seconds=seconds)
            )
            return [film for film, _ in starts.most_common(limit)]

    def delete_no_films(self, before: datetime, limit: int) -> int:
        """Delete positions older than ``before`` in films that never existed; return how many."""
        record = self._record
        with record.transaction():
            missing = {
                movie_id
                for movie_id, film in record.films.items()
                if film.is_there is False and film.created_at < before
            }
            started = {session.movie_id for session in record.sessions.values()}
            deleted = [
                place
                for place, saved in record.positions.items()
                if saved.movie_id in missing - started and saved.last_watched_at < before
            ][:limit]
            for place in deleted:
                del record.positions[place]
            for movie_id in missing - {movie_id for _, movie_id in record.positions}:
                del record.films[movie_id]
            return len(deleted)


def keep(record: MemoryRecord, movie_id: UUID, duration_seconds: int | None, at: datetime) -> None:
    """Record that the film exists, and its length if known."""
    film = record.films.get(movie_id) or FilmRow(created_at=record.now())
    duration = film.duration_seconds if duration_seconds is None else duration_seconds
    if not film.is_there or film.duration_seconds != duration:
        record.films[movie_id] = replace(
            film, is_there=True, duration_seconds=duration, checked_at=at
        )


def admit(
    record: MemoryRecord, user_id: UUID, movie_id: UUID, at: datetime, most_unconfirmed: int
) -> bool:
    """Return whether the user may save a position in a film without a session of it."""
    film = record.films.get(movie_id)
    if film is not None and film.is_there:
        return True
    if film is None and any(row.movie_id == movie_id for row in record.sessions.values()):
        keep(record, movie_id, None, at)
        return True
    if (user_id, movie_id) not in record.positions:
        unconfirmed = [
            saved
            for saved in record.positions.values()
            if saved.user_id == user_id and not _is_confirmed(record, saved.movie_id)
        ]
        if len(unconfirmed) >= most_unconfirmed:
            return False
    record.films.setdefault(movie_id, FilmRow(created_at=record.now()))
    return True


def _is_confirmed(record: MemoryRecord, movie_id: UUID) -> bool:
    film = record.films.get(movie_id)
    return film is not None and bool(film.is_there)
