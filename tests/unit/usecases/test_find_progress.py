"""Tests that saved positions are found and removed."""

from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import DatabaseUnavailable, ProgressNotFound
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film


def test_a_position(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """The saved position is returned with the film's length."""
    viewer.start(movie_id)
    viewer.report(movie_id, 40)
    found = world.find_progress(viewer.user_id, movie_id)
    assert (found.position_seconds, found.film_duration_seconds) == (40, 1000)


def test_the_record_counts_more_than_redis(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The position from the database is returned, and replaces an older one in Redis."""
    viewer.report(movie_id, 40)
    world.redis.is_down = True
    viewer.report(movie_id, 80)
    world.redis.is_down = False
    assert world.find_progress(viewer.user_id, movie_id).position_seconds == 80
    cached = world.progress_cache.find(viewer.user_id, movie_id)
    assert cached is not None
    assert cached.position_seconds == 80


def test_the_database_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A cached position is returned; without one the request fails."""
    viewer.report(movie_id, 40)
    world.record.is_down = True
    assert world.find_progress(viewer.user_id, movie_id).position_seconds == 40
    with pytest.raises(DatabaseUnavailable):
        world.find_progress(viewer.user_id, uuid4())
    world.redis.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.find_progress(viewer.user_id, movie_id)


def test_a_film_that_was_never_watched(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """No position is found, although another user has one in the film."""
    MemoryViewer(world).report(movie_id, 40)
    with pytest.raises(ProgressNotFound):
        world.find_progress(viewer.user_id, movie_id)


@pytest.mark.parametrize("is_down", [False, True])
def test_a_film_that_was_removed(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID, *, is_down: bool
) -> None:
    """No position is found, whether the database answers or only Redis."""
    viewer.report(movie_id, 40)
    world.remove_progress(viewer.user_id, movie_id, world.now)
    world.record.is_down = is_down
    with pytest.raises(ProgressNotFound):
        world.find_progress(viewer.user_id, movie_id)


def test_removing(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """Removing a film without a position has no effect; without the database it fails."""
    world.remove_progress(viewer.user_id, movie_id, world.now)
    assert world.redis.entries == {}
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.remove_progress(viewer.user_id, movie_id, world.now)


def test_films_to_continue() -> None:
    """Films watched to the configured minimum are listed, newest first, up to the limit."""
    world = MemoryEnvironment(
        {"CONTINUE_WATCHING_MIN_SECONDS": "300", "CONTINUE_WATCHING_MIN_PERCENT": "10"}
    )
    viewer = MemoryViewer(world)
    barely, first, second, third = (add_film(world) for _ in range(4))
    for movie_id, position in ((barely, 99), (first, 100), (second, 500), (third, 899)):
        viewer.start(movie_id)
        viewer.stop(movie_id, position)
        world.pass_time(1)
    found = world.find_films_to_continue(viewer.user_id, 10)
    assert [each.movie_id for each in found] == [third, second, first]
    assert len(world.find_films_to_continue(viewer.user_id, 2)) == 2


def test_no_more_to_continue(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Completed and removed films are not listed."""
    other = add_film(world)
    for each in (movie_id, other):
        viewer.start(each)
    viewer.stop(movie_id, 950)
    viewer.stop(other, 500)
    world.remove_progress(viewer.user_id, other, world.now)
    assert world.find_films_to_continue(viewer.user_id, 10) == []


def test_continuing_without_the_database(world: MemoryEnvironment, viewer: MemoryViewer) -> None:
    """Listing the films fails, because Redis does not contain the list."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.find_films_to_continue(viewer.user_id, 10)
