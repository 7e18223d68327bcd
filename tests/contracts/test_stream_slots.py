"""Tests that the running streams of a user are counted."""

from uuid import UUID, uuid4

import pytest

from streaming.cache.stream_slots import StreamSlots, forget_streams
from streaming.domain.identifiers import uuid7
from tests.contracts.conftest import StreamCounts

# In the order of their starts.
FIRST, SECOND, THIRD = (uuid7(1_700_000_000_000 + number) for number in range(3))


@pytest.fixture
def user_id() -> UUID:
    """A user without running streams."""
    return uuid4()


@pytest.fixture
def slots(counts: StreamCounts) -> StreamSlots:
    """Stream slots that expire after one minute."""
    return counts.slots


def claimed(slots: StreamSlots, user_id: UUID, session_id: UUID, limit: int = 2) -> bool:
    """Claim a slot without a take-over; return whether it was granted."""
    claim = slots.claim(user_id, session_id, limit, take_over=False)
    assert claim is not None
    return claim.is_granted


def test_no_more_than_the_limit(slots: StreamSlots, user_id: UUID) -> None:
    """A stream above the limit is refused with the list of running streams, oldest first."""
    assert claimed(slots, user_id, SECOND)
    assert claimed(slots, user_id, FIRST)
    claim = slots.claim(user_id, THIRD, 2, take_over=False)
    assert claim is not None
    assert not claim.is_granted
    assert [slot.session_id for slot in claim.slots] == [FIRST, SECOND]
    assert claimed(slots, uuid4(), THIRD)


def test_a_stream_that_runs_already(slots: StreamSlots, user_id: UUID) -> None:
    """A running stream keeps its slot, even if the limit is lower now."""
    claimed(slots, user_id, FIRST)
    claimed(slots, user_id, SECOND)
    assert claimed(slots, user_id, FIRST, limit=1)


def test_taking_over(slots: StreamSlots, user_id: UUID) -> None:
    """A take-over ends the oldest stream, and rejects its late heartbeat."""
    claimed(slots, user_id, FIRST)
    claimed(slots, user_id, SECOND)
    claim = slots.claim(user_id, THIRD, 2, take_over=True)
    assert claim is not None
    assert claim.is_granted
    assert [slot.session_id for slot in claim.slots] == [FIRST]
    assert slots.heartbeat(user_id, FIRST) is False
    assert slots.heartbeat(user_id, SECOND) is True
    again = slots.claim(user_id, THIRD, 2, take_over=True)
    assert again == claim


def test_taking_over_nobody(slots: StreamSlots, user_id: UUID) -> None:
    """Below the limit no stream is taken over."""
    claimed(slots, user_id, FIRST)
    claim = slots.claim(user_id, SECOND, 2, take_over=True)
    assert claim is not None
    assert (claim.is_granted, list(claim.slots)) == (True, [])


def test_releasing(slots: StreamSlots, user_id: UUID) -> None:
    """Releasing a claim frees its slot and restores the stream that it took over."""
    claimed(slots, user_id, FIRST)
    slots.claim(user_id, SECOND, 1, take_over=True)
    slots.release(user_id, SECOND)
    assert not claimed(slots, user_id, THIRD, limit=1)
    assert slots.heartbeat(user_id, FIRST) is True


def test_ending(slots: StreamSlots, user_id: UUID) -> None:
    """An ended stream is no longer counted, and a late heartbeat is rejected."""
    claimed(slots, user_id, FIRST)
    slots.end(user_id, FIRST)
    assert slots.heartbeat(user_id, FIRST) is False
    assert slots.keep(user_id, FIRST, 5) is False
    assert claimed(slots, user_id, SECOND, limit=1)


def test_forgetting(slots: StreamSlots, user_id: UUID) -> None:
    """A forgotten stream is not counted until its next heartbeat."""
    claimed(slots, user_id, FIRST)
    slots.forget(user_id, FIRST)
    assert claimed(slots, user_id, SECOND, limit=1)
    assert slots.heartbeat(user_id, FIRST) is True
    assert not claimed(slots, user_id, THIRD, limit=2)


def test_forgetting_many(slots: StreamSlots, user_id: UUID) -> None:
    """Of each user exactly the named streams are not counted any more."""
    other = uuid4()
    for session_id in (FIRST, SECOND):
        claimed(slots, user_id, session_id)
        claimed(slots, other, session_id)
    slots.forget_all([(user_id, FIRST), (other, SECOND), (user_id, SECOND)])
    claim = slots.claim(user_id, THIRD, 1, take_over=False)
    assert claim is not None
    assert claim.is_granted
    claim = slots.claim(other, THIRD, 1, take_over=False)
    assert claim is not None
    assert [slot.session_id for slot in claim.slots] == [FIRST]


def test_keeping(slots: StreamSlots, user_id: UUID) -> None:
    """A running stream keeps its slot; an unknown one gets a slot below the limit."""
    claimed(slots, user_id, FIRST)
    assert slots.keep(user_id, FIRST, 0) is True
    assert slots.keep(user_id, SECOND, 1) is False
    assert slots.keep(user_id, SECOND, 2) is True
    assert not claimed(slots, user_id, THIRD)


def test_a_silent_stream(counts: StreamCounts, user_id: UUID) -> None:
    """A stream without recent heartbeats is not counted, and cannot keep its slot."""
    claimed(counts.slots, user_id, FIRST)
    claim = counts.lifeless_slots.claim(user_id, SECOND, 1, take_over=True)
    assert claim is not None
    assert (claim.is_granted, list(claim.slots)) == (True, [])
    claimed(counts.slots, user_id, FIRST)
    assert counts.lifeless_slots.keep(user_id, FIRST, 5) is False


def test_forgetting_a_user(counts: StreamCounts, user_id: UUID) -> None:
    """Forgetting a user deletes all their slots."""
    claimed(counts.slots, user_id, FIRST)
    counts.slots.end(user_id, SECOND)
    assert forget_streams(counts.cache, user_id)
    assert claimed(counts.slots, user_id, THIRD, limit=1)
