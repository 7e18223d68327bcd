"""Tests that films with saved positions are checked in the bucket."""

from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import DatabaseUnavailable
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film


def test_a_film_that_is_gone(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A film missing in the bucket is not listed to continue until it is found again."""
    viewer.start(movie_id)
    viewer.stop(movie_id, 500)
    film = world.bucket.films.pop(movie_id)
    world.pass_time(3601)
    assert world.check_films(world.now, 60) == 1
    assert world.find_films_to_continue(viewer.user_id, 10) == []
    world.bucket.films[movie_id] = film
    world.pass_time(3601)
    world.check_films(world.now, 60)
    assert len(world.find_films_to_continue(viewer.user_id, 10)) == 1


def test_how_often(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A film is checked once an hour; one known only from a report is checked immediately."""
    viewer.start(movie_id)
    viewer.report(uuid4(), 10)
    assert world.check_films(world.now, 60) == 1
    world.pass_time(3600)
    assert world.check_films(world.now, 60) == 0
    world.pass_time(1)
    assert world.check_films(world.now, 60) == 2


def test_a_film_that_only_the_bucket_knew(world: MemoryEnvironment, viewer: MemoryViewer) -> None:
    """A position reported before the film was known is listed once the film is found."""
    movie_id = add_film(world)
    viewer.report(movie_id, 500)
    assert world.find_films_to_continue(viewer.user_id, 10) == []
    world.check_films(world.now, 60)
    (found,) = world.find_films_to_continue(viewer.user_id, 10)
    assert found.position_seconds == 500


def test_a_film_that_never_was(world: MemoryEnvironment, viewer: MemoryViewer) -> None:
    """A position in an unknown film is kept for a day, because the film may be uploaded."""
    movie_id = uuid4()
    viewer.report(movie_id, 10)
    world.check_films(world.now, 60)
    world.pass_time(86_400)
    world.check_films(world.now, 60)
    assert (viewer.user_id, movie_id) in world.record.positions
    world.pass_time(1)
    world.check_films(world.now, 60)
    assert (world.record.positions, world.record.films) == ({}, {})


def test_the_storage_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Nothing changes, and the films remain due."""
    viewer.start(movie_id)
    viewer.stop(movie_id, 500)
    world.pass_time(3601)
    world.bucket.is_down = True
    assert world.check_films(world.now, 60) == 0
    assert len(world.find_films_to_continue(viewer.user_id, 10)) == 1
    world.bucket.is_down = False
    assert world.check_films(world.now, 60) == 1


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails if the database does not answer."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.check_films(world.now, 60)
