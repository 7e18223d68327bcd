"""Tests that of all reports the one watched last is saved."""

from dataclasses import replace
from uuid import uuid4

import pytest

from streaming.domain.errors import MovieNotFound, SessionNotFound
from tests.contracts.record import EVENING, Player, Record, seconds


def test_the_latest_of_a_sessions_reports_counts(record: Record) -> None:
    """A report with a smaller or equal sequence changes nothing and returns the saved position."""
    player = Player(record)
    player.start()
    assert player.report(20, EVENING + seconds(20), sequence=2).applied
    for sequence in (1, 2):
        late = player.report(10, EVENING + seconds(30), sequence=sequence)
        assert not late.applied
        assert late.progress is not None
        assert late.progress.position_seconds == 20
    assert player.report(30, EVENING + seconds(40), sequence=3).applied
    assert player.saved().version == 2


def test_what_was_watched_later_counts(record: Record) -> None:
    """A report made before the saved one changes nothing; one made later is saved."""
    player = Player(record)
    player.start()
    player.report(100, EVENING + seconds(100))
    stale = player.report(50, EVENING + seconds(110), age_seconds=60)
    assert (stale.applied, player.saved().position_seconds) == (False, 100)
    later = player.report(105, EVENING + seconds(110), age_seconds=5)
    assert (later.applied, player.saved().position_seconds) == (True, 105)
    assert player.saved().last_watched_at == EVENING + seconds(105)


def test_a_report_without_age_counts(record: Record) -> None:
    """A report without an age is saved, even if the saved position has a later time."""
    player = Player(record)
    player.start()
    player.report(100, EVENING + seconds(100))
    assert player.report(60, EVENING + seconds(90)).applied
    saved = player.saved()
    assert (saved.position_seconds, saved.last_watched_at) == (60, EVENING + seconds(100))


def test_no_report_is_older_than_its_session(record: Record) -> None:
    """A report of a session is never dated before the session's start."""
    player = Player(record)
    player.start()
    player.report(1, EVENING + seconds(10), sequence=1, age_seconds=3600)
    assert player.saved().last_watched_at == EVENING


def test_each_session_counts_its_own_sequence(record: Record) -> None:
    """Each session has its own sequence; late reports of an older session are ordered by time."""
    former = Player(record)
    former.start()
    former.report(500, EVENING + seconds(500), sequence=50)
    player = replace(former)
    player.start(EVENING + seconds(600))
    assert player.report(3, EVENING + seconds(603), sequence=1).applied
    late = former.report(501, EVENING + seconds(610), sequence=51, age_seconds=100)
    assert (late.applied, player.saved().position_seconds) == (False, 3)
    # Its sequence is stored nevertheless.
    again = former.report(502, EVENING + seconds(620), sequence=51)
    assert (again.applied, player.saved().position_seconds) == (False, 3)


def test_a_film_is_completed_near_its_end(record: Record) -> None:
    """A film is completed at 90 % of its length; each time a position reaches 90 % counts once."""
    player = Player(record, film_duration_seconds=1000)
    player.start()
    player.report(899, EVENING + seconds(899))
    assert (player.saved().completed, player.saved().completed_at) == (False, None)
    player.report(900, EVENING + seconds(900))
    player.report(950, EVENING + seconds(950))
    assert player.saved().completed_at == EVENING + seconds(900)
    assert player.saved().times_completed == 1
    player.report(10, EVENING + seconds(2000))
    assert (player.saved().completed, player.saved().times_completed) == (True, 1)
    player.report(999, EVENING + seconds(3000))
    assert player.saved().completed_at == EVENING + seconds(3000)
    assert player.saved().times_completed == 2


def test_a_film_is_completed_without_a_session(record: Record) -> None:
    """Without a session, the length is the film's, if it is known from another user's start."""
    player = Player(record, film_duration_seconds=1000)
    player.start()
    stranger = replace(player, user_id=uuid4(), session_id=None)
    stranger.report(900, EVENING + seconds(900))
    assert (stranger.saved().completed, stranger.saved().duration_seconds) == (True, 1000)
    stranger.report(1, EVENING + seconds(1000))
    assert (stranger.saved().completed, stranger.saved().times_completed) == (True, 1)


def test_a_film_of_unknown_length_is_never_completed(record: Record) -> None:
    """No position completes a film of unknown length."""
    player = Player(record, film_duration_seconds=None)
    player.start()
    player.report(100_000, EVENING + seconds(10))
    assert (player.saved().completed, player.saved().duration_seconds) == (False, None)


def test_a_session_that_is_not_the_users(record: Record) -> None:
    """A report or stop with another user's session is rejected and changes nothing."""
    player = Player(record)
    player.start()
    player.report(10, EVENING + seconds(10))
    stranger = replace(player, user_id=uuid4())
    with pytest.raises(SessionNotFound):
        stranger.report(20, EVENING + seconds(20))
    with pytest.raises(SessionNotFound):
        stranger.stop(20, EVENING + seconds(20))
    with pytest.raises(SessionNotFound):
        replace(player, movie_id=uuid4()).report(20, EVENING + seconds(20))
    assert record.progress.find(stranger.user_id, player.movie_id) is None
    assert player.session_is_open()


def test_a_report_without_a_session_id(record: Record) -> None:
    """A report without a session id belongs to the user's latest open session of the film."""
    player = Player(record)
    player.start()
    player.start(EVENING + seconds(5))
    unnamed = replace(player, session_id=None)
    reported = unnamed.report(10, EVENING + seconds(10))
    assert reported.session_id == player.session_id
    assert unnamed.stop(12, EVENING + seconds(12)).session_id == player.session_id


def test_films_that_nobody_knows(record: Record) -> None:
    """Positions in unknown films are limited to twenty, those in existing films are not."""
    user_id = uuid4()
    viewers = [Player(record, user_id) for _ in range(20)]
    for viewer in viewers:
        assert viewer.report(1, EVENING).applied
    with pytest.raises(MovieNotFound):
        Player(record, user_id).report(1, EVENING)
    assert viewers[0].report(2, EVENING + seconds(1)).applied
    somebody = Player(record)
    somebody.start()
    assert Player(record, user_id, somebody.movie_id).report(1, EVENING).applied
    assert Player(record).report(1, EVENING).applied
    record.films.mark(viewers[0].movie_id, EVENING, is_there=True)
    assert Player(record, user_id).report(1, EVENING).applied
