"""Tests that saved positions are found and removed."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from tests.contracts.record import EVENING, Player, Record, seconds


def to_continue(record: Record, user_id: UUID, limit: int = 10) -> list[UUID]:
    """Return the films to continue, watched for at least a minute or 5 % of their length."""
    found = record.progress.find_to_continue(user_id, limit, 60, 0.05)
    return [each.movie_id for each in found]


def test_nothing_is_found_of_what_was_never_watched(record: Record) -> None:
    """A film without a position is not found, not removed and not listed."""
    player = Player(record)
    assert record.progress.find(player.user_id, player.movie_id) is None
    assert record.progress.remove(player.user_id, player.movie_id, EVENING) is None
    assert to_continue(record, player.user_id) == []


def test_the_present_length_of_a_film(record: Record) -> None:
    """A position is found with the film's length at its report and its present length."""
    player = Player(record, film_duration_seconds=1000)
    player.start()
    player.report(10, EVENING)
    record.films.keep(player.movie_id, 1200, EVENING)
    saved = player.saved()
    assert (saved.duration_seconds, saved.film_duration_seconds) == (1000, 1200)
    record.films.keep(player.movie_id, None, EVENING)
    assert player.saved().film_duration_seconds == 1200


def test_films_to_continue(record: Record) -> None:
    """Films are listed newest first, up to the limit."""
    user_id = uuid4()
    players = [Player(record, user_id) for _ in range(3)]
    for number, player in enumerate(players):
        player.start()
        player.report(100, EVENING + seconds(number))
    Player(record).start()
    newest_first = [player.movie_id for player in reversed(players)]
    assert to_continue(record, user_id) == newest_first
    assert to_continue(record, user_id, limit=2) == newest_first[:2]


@pytest.mark.parametrize(
    ("length", "position", "is_begun"),
    [(1000, 50, True), (1000, 49, False), (7200, 60, True), (7200, 59, False), (None, 1, True)],
)
def test_when_a_film_is_begun(
    record: Record, length: int | None, position: int, *, is_begun: bool
) -> None:
    """A film is listed from a minute or 5 %, whichever is less; without a length always."""
    player = Player(record, film_duration_seconds=length)
    player.start()
    player.report(position, EVENING)
    assert to_continue(record, player.user_id) == ([player.movie_id] if is_begun else [])


def test_films_not_to_continue(record: Record) -> None:
    """Completed films and films missing in the bucket are not listed."""
    user_id = uuid4()
    completed, gone, unknown = (Player(record, user_id) for _ in range(3))
    completed.start()
    completed.report(950, EVENING)
    completed.report(100, EVENING + seconds(10))
    gone.start()
    gone.report(100, EVENING)
    unknown.report(100, EVENING)
    assert to_continue(record, user_id) == [gone.movie_id]
    record.films.mark(gone.movie_id, EVENING, is_there=False)
    assert to_continue(record, user_id) == []


def test_removing_a_film(record: Record) -> None:
    """Removing deletes the position but not the completion; the next report is saved."""
    player = Player(record)
    player.start()
    player.report(950, EVENING, sequence=1)
    removed = record.progress.remove(player.user_id, player.movie_id, EVENING + seconds(60))
    assert removed is not None
    assert (removed.position_seconds, removed.is_removed, removed.version) == (0, True, 2)
    assert (removed.completed, removed.times_completed) == (True, 1)
    assert removed.last_watched_at == EVENING + seconds(60)
    assert player.saved() == removed
    player.report(100, EVENING + seconds(70), sequence=2)
    assert (player.saved().position_seconds, player.saved().is_removed) == (100, False)


def test_what_was_sent_before_the_removal(record: Record) -> None:
    """Reports with an older sequence, or made before the removal, do not restore the position."""
    player = Player(record)
    player.start()
    player.report(100, EVENING, sequence=2)
    record.progress.remove(player.user_id, player.movie_id, EVENING + seconds(60))
    assert not player.report(90, EVENING + seconds(61), sequence=1).applied
    unnamed = replace(player, session_id=None)
    assert not unnamed.report(110, EVENING + seconds(62), age_seconds=30).applied
    assert player.saved().is_removed
    assert to_continue(record, player.user_id) == []
