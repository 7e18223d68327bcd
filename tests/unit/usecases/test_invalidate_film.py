"""Tests that a film replaced in the bucket is published again."""

from uuid import UUID

import pytest

from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from tests.fakes.delivery import StoredFilm
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer


def test_a_film_that_was_replaced(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The film is published in all its manifest types, and its new length is saved."""
    viewer.start(movie_id)
    world.bucket.films[movie_id] = StoredFilm(("hls", "dash"), duration_seconds=1200)
    assert world.invalidate_film(movie_id, world.now) == ["hls", "dash"]
    assert world.bucket.republished == [movie_id]
    assert world.record.films[movie_id].duration_seconds == 1200


def test_a_film_that_is_gone(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The film is not found, and no longer listed among those to continue."""
    viewer.start(movie_id)
    viewer.stop(movie_id, 500)
    del world.bucket.films[movie_id]
    with pytest.raises(MovieNotFound):
        world.invalidate_film(movie_id, world.now)
    assert world.find_films_to_continue(viewer.user_id, 10) == []


def test_a_film_that_is_broken(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The call fails, and the film's record does not change."""
    viewer.start(movie_id)
    world.bucket.films[movie_id] = StoredFilm(playable=False)
    with pytest.raises(FilmUnplayable):
        world.invalidate_film(movie_id, world.now)
    assert world.record.films[movie_id].is_there is True


def test_the_storage_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The call fails, and the film's record does not change."""
    viewer.start(movie_id)
    world.bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        world.invalidate_film(movie_id, world.now)
    assert world.record.films[movie_id].is_there is True


def test_the_database_does_not_answer(world: MemoryEnvironment, movie_id: UUID) -> None:
    """The film is published nevertheless; a deleted film is not found."""
    world.record.is_down = True
    assert world.invalidate_film(movie_id, world.now) == ["hls"]
    del world.bucket.films[movie_id]
    with pytest.raises(MovieNotFound):
        world.invalidate_film(movie_id, world.now)
