"""Tests that the records of films are kept and found."""

from datetime import timedelta
from uuid import uuid4

from streaming.domain import clock
from tests.contracts.record import EVENING, Player, Record, seconds


def test_films_that_are_due(record: Record) -> None:
    """Unchecked films come first, then the one with the oldest check."""
    never, earlier, later, just_now = (uuid4() for _ in range(4))
    record.films.keep(later, None, EVENING + seconds(10))
    record.films.keep(earlier, None, EVENING)
    record.films.keep(just_now, None, EVENING + seconds(60))
    Player(record, movie_id=never).report(1, EVENING)
    assert record.films.find_due(EVENING + seconds(60), 10) == [never, earlier, later]
    assert record.films.find_due(EVENING + seconds(60), 2) == [never, earlier]


def test_marking_a_film(record: Record) -> None:
    """The time of a check is stored; a film without a record does not get one."""
    known, unknown = uuid4(), uuid4()
    record.films.keep(known, 100, EVENING)
    record.films.mark(known, EVENING + seconds(100), is_there=False)
    record.films.mark(unknown, EVENING, is_there=True)
    assert record.films.find_due(EVENING + seconds(50), 10) == []
    assert record.films.find_due(EVENING + seconds(101), 10) == [known]


def test_marking_many_films(record: Record) -> None:
    """Each film gets its own result; films without a record do not get one."""
    there, gone, unknown = Player(record), Player(record), uuid4()
    for player in (there, gone):
        player.start()
        player.report(500, EVENING)
    record.films.mark_all({}, EVENING + seconds(100))
    assert record.films.find_due(EVENING + seconds(100), 10) != []
    marks = {there.movie_id: True, gone.movie_id: False, unknown: True}
    record.films.mark_all(marks, EVENING + seconds(100))
    assert record.films.find_due(EVENING + seconds(100), 10) == []
    assert len(record.progress.find_to_continue(there.user_id, 10, 30, 0.05)) == 1
    assert record.progress.find_to_continue(gone.user_id, 10, 30, 0.05) == []


def test_keeping_what_is_known(record: Record) -> None:
    """An unchanged film is not written; changes of it are."""
    movie_id = uuid4()
    record.films.keep(movie_id, 100, EVENING)
    record.films.keep(movie_id, 100, EVENING + seconds(100))
    record.films.keep(movie_id, None, EVENING + seconds(100))
    assert record.films.find_due(EVENING + seconds(50), 10) == [movie_id]
    record.films.keep(movie_id, 200, EVENING + seconds(100))
    assert record.films.find_due(EVENING + seconds(50), 10) == []


def test_films_in_use(record: Record) -> None:
    """Films started in the last seconds are found, the most started first."""
    often, once, long_ago = Player(record), Player(record), Player(record)
    long_ago.start(EVENING - seconds(3600))
    once.start()
    often.start()
    often.start(EVENING + seconds(1))
    found = record.films.find_in_use(EVENING + seconds(60), 3600, 10)
    assert found == [(often.movie_id, "hls"), (once.movie_id, "hls")]
    assert record.films.find_in_use(EVENING + seconds(60), 3600, 1) == found[:1]


def test_positions_in_films_that_never_were(record: Record) -> None:
    """Positions are deleted if the film is not in the bucket and was never started."""
    never, started, unconfirmed = Player(record), Player(record), Player(record)
    never.report(1, EVENING)
    Player(record, movie_id=never.movie_id).report(1, EVENING)
    unconfirmed.report(1, EVENING)
    started.start()
    started.report(1, EVENING)
    for player in (never, started):
        record.films.mark(player.movie_id, EVENING, is_there=False)
    assert record.films.delete_no_films(clock.now() - timedelta(days=1), 10) == 0
    tomorrow = clock.now() + timedelta(days=1)
    assert record.films.delete_no_films(tomorrow, 1) == 1
    assert record.films.delete_no_films(tomorrow, 10) == 1
    assert record.progress.find(never.user_id, never.movie_id) is None
    assert started.saved().position_seconds == 1
    assert unconfirmed.saved().position_seconds == 1
    due = record.films.find_due(tomorrow, 10)
    assert set(due) == {started.movie_id, unconfirmed.movie_id}
