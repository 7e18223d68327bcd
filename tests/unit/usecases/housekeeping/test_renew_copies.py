"""Preparing the films in use for those who start after the current time window."""

from datetime import datetime
from uuid import UUID

import pytest

from streaming.domain.errors import DatabaseUnavailable, StorageUnavailable
from streaming.domain.films import ManifestType
from tests.fakes.delivery import MemoryDelivery, StoredFilm
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film


def start(world: MemoryEnvironment, movie_id: UUID, times: int) -> None:
    """Have so many viewers start a film."""
    for _ in range(times):
        MemoryViewer(world).start(movie_id)


def test_films_in_use(world: MemoryEnvironment) -> None:
    """Those that were started within the hour are renewed, the most started first, and once."""
    long_ago, seldom, often = (add_film(world) for _ in range(3))
    start(world, long_ago, 1)
    world.pass_time(3600)
    start(world, seldom, 1)
    start(world, often, 2)
    assert world.renew_copies(world.now, 60) == 2
    assert world.bucket.renewed == [(often, "hls"), (seldom, "hls")]
    assert world.renew_copies(world.now, 60) == 0


def test_a_window_that_goes_on(world: MemoryEnvironment, movie_id: UUID) -> None:
    """Nothing is renewed, and nobody is asked."""
    start(world, movie_id, 1)
    world.bucket.is_window_ending = False
    world.record.is_down = True
    assert world.renew_copies(world.now, 60) == 0


def test_films_that_cannot_be_renewed(world: MemoryEnvironment) -> None:
    """A film that is gone or broken keeps no other from being renewed."""
    gone, broken, good = (add_film(world) for _ in range(3))
    for movie_id, times in ((gone, 3), (broken, 2), (good, 1)):
        start(world, movie_id, times)
    del world.bucket.films[gone]
    world.bucket.films[broken] = StoredFilm(playable=False)
    assert world.renew_copies(world.now, 60) == 1
    assert world.bucket.renewed == [(good, "hls")]


def test_no_time(world: MemoryEnvironment, movie_id: UUID) -> None:
    """Without time nothing is renewed; the next run goes on."""
    start(world, movie_id, 1)
    assert world.renew_copies(world.now, 0) == 0
    assert world.renew_copies(world.now, 60) == 1


class Asked(MemoryDelivery):
    """Notes which films it was asked to renew, whatever became of them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[UUID] = []

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Prepare the film for the next window."""
        self.asked.append(movie_id)
        return super().renew(movie_id, manifest_type, now)


def test_the_storage_does_not_answer(world: MemoryEnvironment) -> None:
    """After three films in a row the others are left for the next run."""
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
    """Three films that are not in a row keep no other from being renewed."""
    world.bucket = Flaky()
    forms: list[ManifestType] = ["dash", "dash", "hls", "dash", "hls"]
    for place, form in enumerate(forms):
        movie_id = add_film(world, StoredFilm((form,)))
        # The most started film is the first.
        for _ in range(len(forms) - place):
            MemoryViewer(world).start(movie_id, form)
    assert world.renew_copies(world.now, 60) == 2


class Buggy(MemoryDelivery):
    """Has a bug that one film brings to light."""

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Fail for films in DASH."""
        if manifest_type == "dash":
            raise ZeroDivisionError
        return super().renew(movie_id, manifest_type, now)


def test_a_bug(world: MemoryEnvironment, movie_id: UUID) -> None:
    """It is raised in the end, when the other films are renewed."""
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
    """The chore fails, and the next run tries again."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.renew_copies(world.now, 60)
