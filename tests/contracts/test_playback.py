"""Tests that sessions and positions are saved with their events."""

from dataclasses import replace
from uuid import uuid4

import pytest

from streaming.domain.errors import MovieNotFound, SessionEnded, SessionNotFound
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.domain.sessions import ClosedSession
from streaming.events.event import Message, StreamEvent
from tests.contracts.record import (
    EVENING,
    Player,
    Record,
    acknowledge,
    message_of,
    refuse,
    seconds,
    start_of,
)


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


def test_an_event_that_kafka_takes_at_once(record: Record) -> None:
    """An acknowledged event is not in the outbox; a report that changes nothing sends none."""
    player = Player(record)
    sent: list[Message] = []

    def send(message: Message) -> bool:
        sent.append(message)
        return True

    player.report(10, EVENING, send=send)
    player.report(5, EVENING + seconds(1), age_seconds=60, send=send)
    assert [each.key for each in sent] == [str(player.user_id)]
    assert player.waiting() == []


def test_an_event_that_kafka_does_not_take(record: Record) -> None:
    """An event that Kafka refuses waits in the outbox, and later ones behind it are not sent."""
    player = Player(record)
    player.report(10, EVENING, send=refuse)
    player.report(20, EVENING + seconds(10), send=acknowledge)
    assert [each["position_seconds"] for each in player.waiting()] == [10, 20]


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


def test_a_repeat_sends_the_event_again(record: Record) -> None:
    """The repeat of the report on record is not applied, and its event is due with the same id.

    A late report has no event, nor has another position under the same sequence.
    """
    player = Player(record)
    player.start()
    sent: list[Message] = []

    def send(message: Message) -> bool:
        sent.append(message)
        return True

    for sequence in (1, 2):
        player.report(10 * sequence, EVENING + seconds(sequence), sequence, send=refuse)
    (_, _, waiting) = player.waiting()
    again = player.report(20, EVENING + seconds(3), 2, send=send)
    late = player.report(10, EVENING + seconds(4), 1, send=send)
    other = player.report(30, EVENING + seconds(5), 2, send=send)
    assert (again.applied, again.is_event_due) == (False, True)
    assert (late.applied, late.is_event_due) == (False, False)
    assert (other.applied, other.is_event_due) == (False, False)
    assert [each["event_id"] for each in player.waiting()][2:] == [waiting["event_id"]]
    assert sent == []


@pytest.mark.parametrize("sequence", [None, 7])
def test_only_the_first_stop_has_an_event(record: Record, sequence: int | None) -> None:
    """A second stop of a session inserts no event, with and without a sequence."""
    player = Player(record)
    player.start()
    assert player.stop(10, EVENING + seconds(10), sequence).ended_now
    assert not player.stop(10, EVENING + seconds(20), sequence).ended_now
    assert [each["action"] for each in player.waiting()] == ["stream_start", "stream_stop"]
