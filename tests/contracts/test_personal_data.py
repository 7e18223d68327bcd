"""Tests that personal data is deleted."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from streaming.domain import clock
from streaming.domain.errors import CacheUnavailable
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.repository.outbox import Outcome, Waiting
from streaming.repository.personal_data import ErasedRows, Forgotten
from tests.contracts.record import EVENING, Player, Record, refuse, seconds

KEY = IdempotencyKey("key", "fingerprint")


def bury_all(record: Record) -> None:
    """Move the waiting messages to the dead letters."""

    def bury(queues: Sequence[Sequence[Waiting]]) -> Outcome:
        return Outcome(dead={each.id: "too large" for queue in queues for each in queue})

    record.outbox.relay(bury, after=0, keys=100, per_key=100, settling_seconds=-1)


def test_forgetting_sessions(record: Record) -> None:
    """Old ended sessions are deleted; old running ones lose their address and user agent."""
    ended, running, later = Player(record), Player(record), Player(record)
    ended.start(EVENING - seconds(100))
    ended.stop(1, EVENING - seconds(50))
    running.start(EVENING - seconds(100))
    later.start(EVENING)
    assert record.personal_data.forget(EVENING, 10) == Forgotten(1, 1, 0)
    assert record.personal_data.forget(EVENING, 10) == Forgotten(0, 0, 0)
    assert running.session_is_open()
    assert ended.saved().position_seconds == 1
    assert ended.session_id is not None
    assert record.playback.find_sessions(ended.user_id, [ended.session_id]) == []


def test_forgetting_has_a_bound(record: Record) -> None:
    """The number of rows deleted per call and kind is limited."""
    for _ in range(3):
        player = Player(record)
        player.start(EVENING - seconds(100))
        player.stop(1, EVENING - seconds(50))
    assert record.personal_data.forget(EVENING, 2).sessions == 2
    assert record.personal_data.forget(EVENING, 2).sessions == 1


def test_forgetting_dead_letters(record: Record) -> None:
    """Older dead letters are deleted."""
    Player(record).report(1, EVENING, send=refuse)
    bury_all(record)
    assert record.personal_data.forget(clock.now() - timedelta(days=1), 10).dead_letters == 0
    assert record.personal_data.forget(clock.now() + timedelta(days=1), 10).dead_letters == 1
    assert record.outbox.measure().dead_letters == 0


def test_erasing_a_user(record: Record) -> None:
    """Only the user's rows are deleted; the callback gets the films of their positions."""
    user_id = uuid4()
    player, other_film, stranger = Player(record, user_id), Player(record, user_id), Player(record)
    for each in (player, other_film, stranger):
        each.report(1, EVENING, send=refuse)
    bury_all(record)
    for each in (player, stranger):
        each.start()
        record.keys.claim(each.user_id, KEY, Attempt(uuid4(), uuid4()), 60)
    told: list[UUID] = []
    erased = record.personal_data.erase(user_id, told.extend)
    assert erased == ErasedRows(positions=2, sessions=1, events=3)
    assert set(told) == {player.movie_id, other_film.movie_id}
    assert record.progress.find(user_id, player.movie_id) is None
    assert player.waiting() == []
    record.keys.claim(user_id, KEY, Attempt(uuid4(), uuid4()), 60)
    assert stranger.session_is_open()
    assert stranger.saved().position_seconds == 1
    assert record.outbox.measure().dead_letters == 1
    assert record.personal_data.erase(uuid4(), told.extend) == ErasedRows(0, 0, 0)


def test_erasing_wholly_or_not_at_all(record: Record) -> None:
    """If cached copies cannot be deleted, no row is deleted."""

    def fail(_: Sequence[UUID]) -> None:
        raise CacheUnavailable("Redis does not answer")

    player = Player(record)
    player.start()
    player.report(1, EVENING)
    saved, waiting = player.saved(), player.waiting()
    with pytest.raises(CacheUnavailable):
        record.personal_data.erase(player.user_id, fail)
    assert player.session_is_open()
    assert (player.saved(), player.waiting()) == (saved, waiting)
