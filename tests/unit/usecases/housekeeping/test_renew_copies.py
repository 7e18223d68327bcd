"""Tests that signed copies of the films in use are prepared for the next time window."""

from datetime import datetime
from uuid import UUID

import pytest

from streaming.domain.errors import DatabaseUnavailable, StorageUnavailable
from streaming.domain.films import ManifestType
from tests.fakes.delivery import MemoryDelivery, StoredFilm
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film


def start(world: MemoryEnvironment, movie_id: UUID, times: int) -> None:
    """Let ``times`` viewers start a film."""
    for _ in range(times):
        MemoryViewer(world).start(movie_id)


def test_films_in_use(world: MemoryEnvironment) -> None:
    """Films started in the last hour are renewed once, the most started first."""
    long_ago, seldom, often = (add_film(world) for _ in range(3))
    start(world, long_ago, 1)
    world.pass_time(3600)
    start(world, seldom, 1)
    start(world, often, 2)
    assert world.renew_copies(world.now, 60) == 2
    assert world.bucket.renewed == [(often, "hls"), (seldom, "hls")]
    assert world.renew_copies(world.now, 60) == 0


def test_a_window_that_goes_on(world: MemoryEnvironment, movie_id: UUID) -> None:
    """If the window does not end soon, nothing is renewed and the database is not read."""
    start(world, movie_id, 1)
    world.bucket.is_window_ending = False
    world.record.is_down = True
    assert world.renew_copies(world.now, 60) == 0


def test_films_that_cannot_be_renewed(world: MemoryEnvironment) -> None:
    """Other films are renewed although one is missing and one is broken."""
    gone, broken, good = (add_film(world) for _ in range(3))
    for movie_id, times in ((gone, 3), (broken, 2), (good, 1)):
        start(world, movie_id, times)
    del world.bucket.films[gone]
    world.bucket.films[broken] = StoredFilm(playable=False)
    assert world.renew_copies(world.now, 60) == 1
    assert world.bucket.renewed == [(good, "hls")]


def test_no_time(world: MemoryEnvironment, movie_id: UUID) -> None:
    """When no time is left nothing is renewed; the next run continues."""
    start(world, movie_id, 1)
    assert world.renew_copies(world.now, 0) == 0
    assert world.renew_copies(world.now, 60) == 1


class Asked(MemoryDelivery):
    """Records which films it was called to renew, whatever the result."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[UUID] = []

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Prepare the film for the next window."""
        self.asked.append(movie_id)
        return super().renew(movie_id, manifest_type, now)


def test_the_storage_does_not_answer(world: MemoryEnvironment) -> None:
    """The run ends after three consecutive films that the storage did not answer for."""
    world.bucket = Asked()
    for _ in range(5):
        start(world, add_film(world), 1)
    world.bucket.is_down = True
    assert world.renew_copies(world.now, 60) == 0
    assert len(world.bucket.asked) == 3


class Flaky(MemoryDelivery):
    """Does not answer for films in DASH."""

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Prepare the film for the next window."""
        if manifest_type == "dash":
            raise StorageUnavailable("the storage does not answer")
        return super().renew(movie_id, manifest_type, now)


def test_the_storage_answers_for_some(world: MemoryEnvironment) -> None:
    """The run continues after three failures that are not consecutive."""
    world.bucket = Flaky()
    forms: list[ManifestType] = ["dash", "dash", "hls", "dash", "hls"]
    for place, form in enumerate(forms):
        movie_id = add_film(world, StoredFilm((form,)))
        # The most started film is the first.
        for _ in range(len(forms) - place):
            MemoryViewer(world).start(movie_id, form)
    assert world.renew_copies(world.now, 60) == 2


class Buggy(MemoryDelivery):
    """Raises an unexpected error for films in DASH."""

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Fail for films in DASH."""
        if manifest_type == "dash":
            raise ZeroDivisionError
        return super().renew(movie_id, manifest_type, now)


def test_a_bug(world: MemoryEnvironment, movie_id: UUID) -> None:
    """An unexpected error is raised after the other films have been renewed."""
    world.bucket = Buggy({**world.bucket.films})
    other = add_film(world, StoredFilm(("dash",)))
    for _ in range(2):
        MemoryViewer(world).start(other, "dash")
    start(world, movie_id, 1)
    with pytest.raises(ExceptionGroup) as failed:
        world.renew_copies(world.now, 60)
    assert [type(error) for error in failed.value.exceptions] == [ZeroDivisionError]
    assert world.bucket.renewed == [(movie_id, "hls")]


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails if the database does not answer."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.renew_copies(world.now, 60)
