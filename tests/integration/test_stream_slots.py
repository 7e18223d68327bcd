"""The scripts that count streams, compared with a model in Python."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis import Redis

from local.stack import Stack
from streaming.cache.client import Cache
from streaming.cache.stream_slots import StreamSlots
from streaming.config.cache import CacheSettings
from streaming.domain.identifiers import uuid7
from tests.support.redis_of_stack import client_of

LIFE = 60
# Ages have steps that are never near the lifetime, however slow the machine is.
STEP = 25

# Sessions that began first have the smaller ids.
SESSIONS = [uuid7(1_700_000_000_000 + number) for number in range(5)]

sessions = st.sampled_from(SESSIONS)


@dataclass
class Ended:
    """A tombstone; one of a take-over also has the new session and the heartbeat's age."""

    age: int
    by: UUID | None = None
    beat: int = 0


class Slots(RuleBasedStateMachine):
    """Claims, heartbeats and ends in any order, with passing time and lost data in Redis."""

    redis: Redis
    slots: StreamSlots

    def __init__(self) -> None:
        super().__init__()
        self.user_id = uuid4()
        self.key = f"streams:{self.user_id}"
        self.live: dict[UUID, int] = {}
        self.ended: dict[UUID, Ended] = {}

    @rule(session=sessions, limit=st.integers(1, 3), take_over=st.booleans())
    def claim(self, session: UUID, limit: int, take_over: bool) -> None:  # noqa: FBT001
        """A claim is granted to a running session, below the limit, or in place of the oldest."""
        self.drop_old()
        others = sorted(self.live.keys() - {session})
        surplus = 0 if session in self.live else max(0, len(others) - limit + 1)

        claim = self.slots.claim(self.user_id, session, limit, take_over=take_over)

        assert claim is not None
        found = [slot.session_id for slot in claim.slots]
        if surplus and not take_over:
            assert (claim.is_granted, found) == (False, others)
            return
        for victim in others[:surplus]:
            self.ended[victim] = Ended(0, session, self.live.pop(victim))
        taken = sorted(one for one, end in self.ended.items() if end.by == session)
        assert (claim.is_granted, found) == (True, taken)
        self.ended.pop(session, None)
        self.live[session] = 0

    @rule(session=sessions)
    def release(self, session: UUID) -> None:
        """A reverted claim restores the places that it took over."""
        self.slots.release(self.user_id, session)

        self.live.pop(session, None)
        self.ended.pop(session, None)
        for victim, end in list(self.ended.items()):
            if end.by == session:
                del self.ended[victim]
                self.live[victim] = end.beat

    @rule(session=sessions)
    def heartbeat(self, session: UUID) -> None:
        """A heartbeat counts unless its session ended within the lifetime."""
        has_ended = session in self.ended and self.ended[session].age < LIFE

        assert self.slots.heartbeat(self.user_id, session) is not has_ended

        if not has_ended:
            self.ended.pop(session, None)
            self.live[session] = 0

    @rule(session=sessions)
    def end(self, session: UUID) -> None:
        """An end leaves a tombstone."""
        self.slots.end(self.user_id, session)

        self.live.pop(session, None)
        self.ended[session] = Ended(0)

    @rule(session=sessions)
    def forget(self, session: UUID) -> None:
        """A removed session leaves nothing behind."""
        self.slots.forget(self.user_id, session)

        self.live.pop(session, None)
        self.ended.pop(session, None)

    @rule()
    def time_goes_by(self) -> None:
        """All entries age."""
        for session_id, stored in self.redis.hgetall(self.key).items():
            value = str(stored)
            sign = "-" if value.startswith("-") else ""
            at, *rest = value.removeprefix("-").split(":")
            if rest:
                rest[1] = str(int(rest[1]) - STEP * 1000)
            older = ":".join([f"{sign}{int(at) - STEP * 1000}", *rest])
            self.redis.hset(self.key, str(session_id), older)
        self.live = {session: age + STEP for session, age in self.live.items()}
        for end in self.ended.values():
            end.age += STEP
            end.beat += STEP

    @rule()
    def redis_loses_everything(self) -> None:
        """A flush."""
        self.redis.delete(self.key)

        self.live, self.ended = {}, {}

    def drop_old(self) -> None:
        """Remove entries older than the lifetime."""
        self.live = {session: age for session, age in self.live.items() if age < LIFE}
        self.ended = {session: end for session, end in self.ended.items() if end.age < LIFE}

    @invariant()
    def key_goes_by_itself(self) -> None:
        """Every entry expires a lifetime after the last write."""
        if self.redis.exists(self.key):
            assert 0 < self.redis.pttl(self.key) <= LIFE * 1000


@pytest.mark.usefixtures("environment")
def test_scripts_do_as_the_model(stack: Stack, environment: dict[str, str]) -> None:
    """For any operations in any order, Redis and the model agree on the counted streams."""
    Slots.redis = client_of(stack)
    Slots.slots = StreamSlots(Cache(CacheSettings.from_environment(environment)), LIFE)

    run_state_machine_as_test(
        Slots,
        settings=settings(
            max_examples=150,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_one_key_a_user(stack: Stack, environment: dict[str, str]) -> None:
    """Every operation uses only the user's own key, as a cluster requires."""
    redis = client_of(stack)
    slots = StreamSlots(Cache(CacheSettings.from_environment(environment)))
    user_id = uuid4()
    redis.flushall()

    slots.claim(user_id, SESSIONS[0], 1, take_over=False)
    slots.claim(user_id, SESSIONS[1], 1, take_over=True)
    slots.heartbeat(user_id, SESSIONS[2])
    slots.end(user_id, SESSIONS[2])

    assert list(redis.scan_iter("streams:*")) == [f"streams:{user_id}"]


def test_redis_away() -> None:
    """Without Redis every operation reports that the result is unknown."""
    slots = StreamSlots(Cache(CacheSettings("127.0.0.1", 9, 60, 60)))
    user_id, session_id = uuid4(), SESSIONS[0]

    assert slots.claim(user_id, session_id, 1, take_over=True) is None
    assert slots.heartbeat(user_id, session_id) is None
    assert slots.end(user_id, session_id) is None
