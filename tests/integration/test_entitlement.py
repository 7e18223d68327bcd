"""Subscriptions under changes, outages, and concurrent responses."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from redis import Redis

from local.stack import Stack
from streaming.access.entitlement import Entitlement
from streaming.cache.client import Cache
from streaming.cache.subscriptions import SubscriptionCache
from streaming.config.cache import CacheSettings
from streaming.domain import clock
from streaming.domain.errors import CacheUnavailable
from streaming.domain.subscriptions import Subscription
from tests.conftest import set_subscription
from tests.support.emitted import emitted
from tests.support.functions import Json, Viewer, event, forget_environment, invoke, new_viewer

pytestmark = pytest.mark.own_servers

ACTIVE = Subscription(is_active=True, plan_id="premium", expires_at=None)


@pytest.fixture
def user_service(stack: Stack) -> Iterator[Stack]:
    """The stack, whose user service runs again afterwards."""
    yield stack
    stack.user_service.restart()


@dataclass
class Source:
    """A user service that runs a function before it responds."""

    before_answering: Callable[[], object] = lambda: None
    answer: Subscription = ACTIVE

    def current_subscription(self, authorization: str) -> Subscription:
        """Respond."""
        self.before_answering()
        return self.answer


def cache_of(environment: dict[str, str]) -> SubscriptionCache:
    """Return a cache of subscriptions in the stack's Redis."""
    return SubscriptionCache(Cache(CacheSettings.from_environment(environment)), 300, 900)


def changed(*values: object) -> Json:
    """Return the event of records with these values; bytes are not encoded."""
    payload = event("subscription_changed")
    template = payload["records"]["subscription.changed-0"][0]
    encoded = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in values]
    payload["records"] = {
        "subscription.changed-0": [
            {**template, "offset": offset, "value": base64.b64encode(each).decode()}
            for offset, each in enumerate(encoded)
        ]
    }
    return payload


def tell_of_change(user_id: UUID) -> None:
    """Call the function with a record of that user."""
    assert invoke("subscription_changed", changed({"user_id": str(user_id)})) == {"forgotten": 1}


def test_lives_differ_and_are_never_longer(environment: dict[str, str], redis: Redis) -> None:
    """Entries cached at the same time expire within the last tenth of their lifetime."""
    cache = cache_of(environment)
    users = [uuid4() for _ in range(30)]
    for user_id in users:
        cache.keep(user_id, ACTIVE, clock.now())

    for key, longest in (("subscription", 300), ("subscription:grace", 900)):
        lives = [redis.ttl(f"{key}:{user_id}") for user_id in users]
        assert all(0.9 * longest - 10 <= life <= longest for life in lives)
        assert len(set(lives)) > 3


def test_change_is_seen_at_once(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """After a record a cancelled user cannot start, and a user who paid can, immediately."""
    assert viewer.start(movie_id).status == 200
    set_subscription(stack, viewer.user_id, is_active=False)
    assert viewer.start(movie_id).status == 200

    tell_of_change(viewer.user_id)
    assert viewer.start(movie_id).status == 403

    set_subscription(stack, viewer.user_id, is_active=True)
    tell_of_change(viewer.user_id)
    assert viewer.start(movie_id).status == 200


def test_change_of_one_is_no_others(
    stack: Stack, viewer: Viewer, movie_id: UUID, redis: Redis
) -> None:
    """No other user's subscription is deleted."""
    other = new_viewer(stack.token)
    set_subscription(stack, other.user_id)
    for each in (viewer, other):
        each.start(movie_id)

    tell_of_change(viewer.user_id)

    assert not redis.exists(f"subscription:{viewer.user_id}")
    assert redis.exists(f"subscription:{other.user_id}")


def test_no_grace_after_a_change(user_service: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """A cancelled subscription is not accepted because the user service fails afterwards."""
    assert viewer.start(movie_id).status == 200
    tell_of_change(viewer.user_id)
    user_service.user_service.stop()

    answer = viewer.start(movie_id)

    assert (answer.status, answer.json["code"]) == (503, "entitlement_unavailable")


def test_no_grace_after_a_refusal(
    user_service: Stack, viewer: Viewer, movie_id: UUID, redis: Redis
) -> None:
    """After a negative result of the user service, the copy of its previous one is not used."""
    assert viewer.start(movie_id).status == 200
    set_subscription(user_service, viewer.user_id, is_active=False)
    redis.delete(f"subscription:{viewer.user_id}")
    assert viewer.start(movie_id).status == 403
    redis.delete(f"subscription:{viewer.user_id}")
    user_service.user_service.stop()

    assert viewer.start(movie_id).status == 503


def test_answer_that_crosses_a_change_is_not_kept(
    environment: dict[str, str], redis: Redis
) -> None:
    """A result requested before a change and written after it is cached for 30 s at most."""
    user_id = uuid4()
    source = Source(before_answering=lambda: tell_of_change(user_id))
    entitlement = Entitlement(cache_of(environment), lambda: source)

    entitlement.require(user_id, "Bearer token", clock.now())

    assert 0 < redis.ttl(f"subscription:{user_id}") <= 30
    assert not redis.exists(f"subscription:grace:{user_id}")


def test_answers_are_kept_again_a_minute_after_a_change(
    environment: dict[str, str], redis: Redis
) -> None:
    """The mark of a change expires, and with it the short lifetimes."""
    user_id = uuid4()
    tell_of_change(user_id)
    assert 0 < redis.ttl(f"subscription:changed:{user_id}") <= 60
    redis.delete(f"subscription:changed:{user_id}")

    cache_of(environment).keep(user_id, ACTIVE, clock.now())

    assert redis.ttl(f"subscription:{user_id}") > 200
    assert redis.ttl(f"subscription:grace:{user_id}") > 600


BAD_VALUES: tuple[object, ...] = (
    b"",
    b"\xff\xfe\xfa",
    b"not json",
    b"[" * 30_000,
    b'{"user_id": "\\ud800"}',
    b'{"user_id": "0d5f7f0c-6c1b-4c55-8f6e-3a9d2b1c0e4f\\u0000"}',
    b'{"user_id": "' + b"x" * 100_000 + b'"}',
    [],
    "text",
    None,
    {},
    {"user_id": None},
    {"user_id": 7},
    {"user_id": ["0d5f7f0c-6c1b-4c55-8f6e-3a9d2b1c0e4f"]},
    {"user_id": "everybody"},
)


def test_bad_records_are_skipped(
    viewer: Viewer,
    movie_id: UUID,
    redis: Redis,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An invalid record blocks no other: it is logged with its offset and skipped."""
    viewer.start(movie_id)
    payload = changed(*BAD_VALUES, {"user_id": str(viewer.user_id), "plan": "basic"})
    records = payload["records"]["subscription.changed-0"]
    del records[0]["value"]
    records[1]["value"] = "no base64!"

    assert invoke("subscription_changed", payload) == {"forgotten": 1}

    assert not redis.exists(f"subscription:{viewer.user_id}")
    assert len(emitted(capsys.readouterr().out, "SkippedRecords")) == len(BAD_VALUES)
    skipped = [vars(line) for line in caplog.records if "record" in vars(line)]
    assert [line["record"] for line in skipped] == [
        f"subscription.changed-0 at {offset}" for offset in range(len(BAD_VALUES))
    ]
    assert "xxx" not in caplog.text


def test_batch_comes_again_when_redis_is_away(
    stack: Stack, viewer: Viewer, movie_id: UUID, redis: Redis
) -> None:
    """Without Redis the function fails, so that Lambda repeats the records."""
    viewer.start(movie_id)
    payload = changed({"user_id": str(viewer.user_id)})
    stack.redis.stop()
    try:
        with pytest.raises(CacheUnavailable):
            invoke("subscription_changed", payload)
    finally:
        stack.redis.start()
    forget_environment()

    assert invoke("subscription_changed", payload) == {"forgotten": 1}
