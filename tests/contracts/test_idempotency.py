"""Tests that an idempotency key belongs to one request of one user."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from streaming.domain import clock
from streaming.domain.errors import IdempotencyKeyReused, RequestInProgress
from streaming.domain.idempotency import Attempt, IdempotencyKey
from tests.contracts.record import Player, Record, message_of, start_of

KEY = IdempotencyKey("key", "what is asked for")


def new_attempt() -> Attempt:
    """Return an attempt with new ids."""
    return Attempt(uuid4(), uuid4())


def test_a_key_belongs_to_its_user(record: Record) -> None:
    """Two users may use the same key."""
    one, another = new_attempt(), new_attempt()
    assert record.keys.claim(uuid4(), KEY, one, 60) == one
    assert record.keys.claim(uuid4(), KEY, another, 60) == another


def test_a_running_attempt(record: Record) -> None:
    """While an attempt runs, another attempt with its key is rejected."""
    user_id = uuid4()
    record.keys.claim(user_id, KEY, new_attempt(), 60)
    with pytest.raises(RequestInProgress):
        record.keys.claim(user_id, KEY, new_attempt(), 60)


def test_an_attempt_that_was_given_up(record: Record) -> None:
    """The next attempt gets the key and the previous attempt's ids, so that it repeats nothing."""
    user_id, given_up = uuid4(), new_attempt()
    record.keys.claim(user_id, KEY, given_up, -1)
    assert record.keys.claim(user_id, KEY, new_attempt(), 60) == given_up
    with pytest.raises(RequestInProgress):
        record.keys.claim(user_id, KEY, new_attempt(), 60)


@pytest.mark.parametrize("running_seconds", [-1, 60])
def test_a_key_stands_for_one_request(record: Record, running_seconds: float) -> None:
    """A different request with the key is rejected, even if the first attempt has expired."""
    user_id = uuid4()
    record.keys.claim(user_id, KEY, new_attempt(), running_seconds)
    with pytest.raises(IdempotencyKeyReused):
        record.keys.claim(user_id, IdempotencyKey("key", "something else"), new_attempt(), 60)


def test_a_completed_attempt(record: Record) -> None:
    """A key whose session was opened refers to it, however old it is."""
    player = Player(record)
    session = player.new_session()
    event = start_of(session)
    attempt = Attempt(session.id, event.event_id)
    record.keys.claim(player.user_id, KEY, attempt, -1)
    record.playback.open_session(session, event, message_of, KEY)
    repeated = record.keys.claim(player.user_id, KEY, new_attempt(), 60)
    assert repeated == replace(attempt, is_completed=True)
    record.keys.release(player.user_id, KEY, attempt)
    assert record.keys.claim(player.user_id, KEY, new_attempt(), 60).is_completed
    with pytest.raises(IdempotencyKeyReused):
        record.keys.claim(player.user_id, replace(KEY, fingerprint="else"), new_attempt(), 60)


def test_releasing_a_failed_attempt(record: Record) -> None:
    """The key can be used again immediately; another attempt's key is not affected."""
    user_id, failed, running = uuid4(), new_attempt(), new_attempt()
    record.keys.claim(user_id, KEY, failed, 60)
    record.keys.release(user_id, KEY, failed)
    assert record.keys.claim(user_id, KEY, running, 60) == running
    record.keys.release(user_id, KEY, failed)
    with pytest.raises(RequestInProgress):
        record.keys.claim(user_id, KEY, new_attempt(), 60)


def test_deleting_old_keys(record: Record) -> None:
    """Older keys are deleted, up to the limit."""
    users = [uuid4() for _ in range(3)]
    for user_id in users:
        record.keys.claim(user_id, KEY, new_attempt(), 60)
    tomorrow = clock.now() + timedelta(days=1)
    assert record.keys.delete_old(tomorrow - timedelta(days=2), 10) == 0
    assert record.keys.delete_old(tomorrow, 2) == 2
    assert record.keys.delete_old(tomorrow, 2) == 1
    attempt = new_attempt()
    assert record.keys.claim(users[0], KEY, attempt, 60) == attempt
