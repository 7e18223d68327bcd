"""Tests that a session ends once, by a stop or because it was abandoned."""

from dataclasses import replace
from uuid import uuid4

import pytest

from streaming.domain.sessions import ClosedSession
from tests.contracts.record import EVENING, Player, Record, message_of, seconds


def test_stopping_ends_the_session_once(record: Record) -> None:
    """The first stop ends the session with its event; a second one does not change it."""
    player = Player(record)
    player.start()
    ended = player.stop(40, EVENING + seconds(42.5))
    assert (ended.ended_now, ended.duration_seconds, ended.applied) == (True, 43, True)
    assert ended.progress.position_seconds == 40
    again = player.stop(40, EVENING + seconds(60))
    assert (again.ended_now, again.duration_seconds) == (False, 43)
    assert [each["action"] for each in player.waiting()] == ["stream_start", "stream_stop"]


def test_a_report_after_the_end(record: Record) -> None:
    """A report of a stopped session changes nothing; its result says that the session has ended."""
    player = Player(record)
    player.start()
    player.stop(40, EVENING + seconds(40))
    late = player.report(30, EVENING + seconds(50))
    assert (late.applied, late.session_ended) == (False, True)
    assert player.saved().position_seconds == 40


def test_a_stop_without_a_session(record: Record) -> None:
    """The position is saved although there is no session to end."""
    player = Player(record)
    ended = player.stop(15, EVENING)
    assert (ended.session_id, ended.ended_now, ended.applied) == (None, False, True)
    assert player.saved().position_seconds == 15


def test_abandoned_sessions_end_at_their_last_heartbeat(record: Record) -> None:
    """Sessions without recent heartbeats end with events, the first started first."""
    silent, silent_longer, lively = Player(record), Player(record), Player(record)
    silent_longer.start()
    silent.start(EVENING + seconds(1))
    silent.report(10, EVENING + seconds(10))
    lively.start()
    lively.report(60, EVENING + seconds(600))
    since = EVENING + seconds(300)
    first = record.playback.end_abandoned(since, 1, message_of)
    assert first == [
        ClosedSession(
            id=silent_longer.session_id or uuid4(),
            user_id=silent_longer.user_id,
            movie_id=silent_longer.movie_id,
            ended_at=EVENING,
            position_seconds=None,
            reason="abandoned",
        )
    ]
    (second,) = record.playback.end_abandoned(since, 10, message_of)
    assert (second.id, second.position_seconds) == (silent.session_id, 10)
    assert second.ended_at == EVENING + seconds(10)
    event = silent.waiting()[-1]
    assert (event["action"], event["reason"]) == ("stream_stop", "abandoned")
    assert lively.session_is_open()


def test_a_report_reopens_an_abandoned_session(record: Record) -> None:
    """A report reopens its abandoned session."""
    player = Player(record)
    player.start()
    record.playback.end_abandoned(EVENING + seconds(300), 10, message_of)
    assert not player.session_is_open()
    assert player.report(10, EVENING + seconds(400)).applied
    assert player.session_is_open()
    assert player.stop(12, EVENING + seconds(402)).duration_seconds == 402


@pytest.mark.parametrize(("pause", "is_reopened"), [(86_399, True), (86_400, False)])
def test_coming_back_without_a_session_id(record: Record, pause: int, *, is_reopened: bool) -> None:
    """The report reopens a session abandoned within a day, and no older one."""
    player = Player(record)
    player.start()
    record.playback.end_abandoned(EVENING + seconds(300), 10, message_of)
    replace(player, session_id=None).report(10, EVENING + seconds(pause))
    assert player.session_is_open() == is_reopened


def test_stopping_an_abandoned_session(record: Record) -> None:
    """A late report does not reopen the stopped session."""
    player = Player(record)
    player.start()
    record.playback.end_abandoned(EVENING + seconds(300), 10, message_of)
    ended = player.stop(10, EVENING + seconds(400))
    assert (ended.ended_now, ended.duration_seconds) == (False, 0)
    assert player.report(11, EVENING + seconds(401)).session_ended
    assert not player.session_is_open()
