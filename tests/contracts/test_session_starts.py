"""Tests that a start opens one session, and ends those that it takes over."""

from dataclasses import replace
from uuid import uuid4

import pytest

from streaming.domain.errors import SessionEnded
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.events.event import Message, StreamEvent
from tests.contracts.record import EVENING, Player, Record, message_of, seconds, start_of


def test_a_take_over_ends_the_others(record: Record) -> None:
    """A take-over ends only sessions of the user, with events before that of the start."""
    stranger = Player(record)
    stranger.start()
    player = Player(record)
    player.start()
    taken = replace(player)
    taken.report(7, EVENING + seconds(7))
    assert taken.session_id is not None
    assert stranger.session_id is not None
    opened = player.start(EVENING + seconds(60), [taken.session_id, stranger.session_id])
    assert opened.next_messages == ()  # the event of the first start still waits in the outbox
    assert not taken.session_is_open()
    assert stranger.session_is_open()
    assert taken.report(8, EVENING + seconds(61)).session_ended
    assert [(each["action"], each.get("reason")) for each in player.waiting()] == [
        ("stream_start", None),
        ("stream_progress", None),
        ("stream_stop", "taken_over"),
        ("stream_start", None),
    ]


def test_a_start_is_recorded_once(record: Record) -> None:
    """Opening a session again inserts no second event and returns no messages to send."""
    player = Player(record)
    session = player.new_session()
    event = start_of(session)
    opened = record.playback.open_session(session, event, message_of)
    assert opened.next_messages == [message_of(event)]
    again = record.playback.open_session(session, event, message_of)
    assert again.next_messages == ()
    assert [each["action"] for each in player.waiting()] == ["stream_start"]


def test_a_start_returns_the_saved_position(record: Record) -> None:
    """A start returns the saved position, if there is one."""
    player = Player(record)
    assert player.start().progress is None
    player.stop(33, EVENING + seconds(33))
    progress = player.start(EVENING + seconds(60)).progress
    assert progress is not None
    assert progress.position_seconds == 33


def test_a_refused_start(record: Record) -> None:
    """The session of a refused start ends, and its Idempotency-Key can be used again."""
    player = Player(record)
    session = player.new_session()
    key = IdempotencyKey("key", "fingerprint")
    record.keys.claim(player.user_id, key, Attempt(session.id, uuid4()), 60)
    record.playback.open_session(session, start_of(session), message_of, key)
    record.playback.refuse_opened(player.user_id, session.id, EVENING, message_of)
    player.session_id = session.id
    assert not player.session_is_open()
    another = Attempt(uuid4(), uuid4())
    assert record.keys.claim(player.user_id, key, another, 60) == another


def test_repeating_a_start(record: Record) -> None:
    """A repeat returns the session and its last heartbeat while it is open."""
    player = Player(record)
    player.start()
    assert player.session_id is not None
    player.report(10, EVENING + seconds(10))
    place = player.user_id, player.movie_id, player.session_id
    repeated = record.playback.find_repeated(*place)
    assert repeated.last_heartbeat_at == EVENING + seconds(10)
    assert repeated.progress is not None
    player.stop(20, EVENING + seconds(20))
    with pytest.raises(SessionEnded):
        record.playback.find_repeated(*place)


def test_finding_sessions(record: Record) -> None:
    """The user's sessions are returned with their times."""
    player, stranger = Player(record), Player(record)
    player.start()
    stranger.start()
    assert player.session_id is not None
    assert stranger.session_id is not None
    player.report(10, EVENING + seconds(10))
    asked = [player.session_id, stranger.session_id, uuid4()]
    (found,) = record.playback.find_sessions(player.user_id, asked)
    assert (found.session_id, found.movie_id) == (player.session_id, player.movie_id)
    assert (found.started_at, found.last_heartbeat_at) == (EVENING, EVENING + seconds(10))


def test_an_error_undoes_everything(record: Record) -> None:
    """An exception within a start reverts all its changes."""

    class Interrupted(Exception):
        """Raised by the callbacks of this test."""

    def interrupt(_: StreamEvent) -> Message:
        raise Interrupted

    player = Player(record)
    player.start()
    session = player.new_session(EVENING + seconds(20))
    assert player.session_id is not None
    with pytest.raises(Interrupted):
        record.playback.open_session(
            session, start_of(session), interrupt, taken_over=[player.session_id]
        )
    assert player.session_is_open()

    assert [each["action"] for each in player.waiting()] == ["stream_start"]
