"""Tests that a stream is started."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import (
    DatabaseUnavailable,
    EntitlementUnavailable,
    FilmUnplayable,
    IdempotencyKeyReused,
    MovieNotFound,
    RequestInProgress,
    SessionEnded,
    StorageUnavailable,
    SubscriptionRequired,
)
from streaming.domain.subscriptions import NO_SUBSCRIPTION, Subscription
from streaming.events.event import Message
from streaming.usecases.start_stream import Viewer
from tests.fakes.delivery import EXPIRES_IN, StoredFilm
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.user_service import MemoryUserService
from tests.fakes.viewer import MemoryViewer, add_film
from tests.support.emitted import emitted


def test_a_start(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A start returns the manifest's URL, saves the session and sends an event."""
    started = viewer.start(movie_id)
    assert started.manifest_url == f"https://films.test/{movie_id}/hls"
    assert started.expires_in == EXPIRES_IN
    assert (started.resume_position_seconds, started.duration_seconds) == (0, 1000)
    session = world.record.sessions[started.session_id]
    assert (session.user_id, session.movie_id) == (viewer.user_id, movie_id)
    assert session.started_at == world.now
    assert session.user_agent == "a player"
    assert [(each["action"], each["session_id"]) for each in world.sent] == [
        ("stream_start", str(started.session_id))
    ]
    assert world.waiting == []


def test_an_address_is_truncated(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The viewer's IP address is saved without its last part."""
    started = viewer.start(movie_id)
    assert world.record.sessions[started.session_id].ip_address == "192.0.2.0"


def test_a_user_agent_that_cannot_be_stored(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Characters that PostgreSQL rejects are removed or replaced, and the rest is truncated."""
    hostile = Viewer(viewer.user_id, viewer.authorization, "a\x00b\ud800" + 600 * "c", None)
    started = world.start_stream(hostile, movie_id, "hls", world.now)
    stored = world.record.sessions[started.session_id].user_agent
    assert stored is not None
    assert stored.startswith("ab?c")
    assert len(stored) == 512


def test_going_on_where_the_viewer_stopped(viewer: MemoryViewer, movie_id: UUID) -> None:
    """The saved position is returned, at most the film's last second."""
    viewer.start(movie_id)
    viewer.stop(movie_id, 400)
    assert viewer.start(movie_id).resume_position_seconds == 400
    viewer.stop(movie_id, 5000)
    started = viewer.start(movie_id)
    assert (started.resume_position_seconds, started.completed) == (999, True)


def test_the_saved_position_is_cached(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A start caches the saved position in Redis."""
    viewer.stop(movie_id, 400)
    world.redis.entries.clear()
    viewer.start(movie_id)
    cached = world.progress_cache.find(viewer.user_id, movie_id)
    assert cached is not None
    assert cached.position_seconds == 400


def test_without_a_subscription(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The start fails, and nothing is saved or sent."""
    viewer.subscribe(NO_SUBSCRIPTION)
    with pytest.raises(SubscriptionRequired):
        viewer.start(movie_id)
    assert (world.record.sessions, world.sent) == ({}, [])


def test_an_expired_subscription(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A subscription is valid until its end."""
    ends_at = world.now + timedelta(seconds=60)
    viewer.subscribe(Subscription(is_active=True, plan_id=None, expires_at=ends_at))
    viewer.start(movie_id)
    world.pass_time(60)
    with pytest.raises(SubscriptionRequired):
        viewer.start(movie_id)


def test_a_subscription_is_cached(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The user service is asked again only after the cached subscription has expired."""
    viewer.start(movie_id)
    world.pass_time(240)
    viewer.start(movie_id)
    assert world.users.asked == 1
    world.pass_time(240)
    viewer.start(movie_id)
    assert world.users.asked == 2


def test_the_user_service_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Users whose subscription was checked in the last 15 minutes may start; others may not."""
    viewer.start(movie_id)
    world.users.is_down = True
    world.pass_time(600)
    viewer.start(movie_id)
    with pytest.raises(EntitlementUnavailable):
        MemoryViewer(world).start(movie_id)
    world.pass_time(600)
    with pytest.raises(EntitlementUnavailable):
        viewer.start(movie_id)


def test_a_film_that_is_not_there(world: MemoryEnvironment, viewer: MemoryViewer) -> None:
    """The start fails, and the film is recorded as missing."""
    movie_id = uuid4()
    viewer.report(movie_id, 10)
    with pytest.raises(MovieNotFound):
        viewer.start(movie_id)
    assert world.record.films[movie_id].is_there is False
    assert world.record.sessions == {}


def test_a_form_that_is_not_there(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A start in a missing manifest type fails; the film is not recorded as missing."""
    viewer.start(movie_id)
    with pytest.raises(MovieNotFound):
        viewer.start(movie_id, "dash")
    assert world.record.films[movie_id].is_there is True


def test_a_film_that_is_broken(world: MemoryEnvironment, viewer: MemoryViewer) -> None:
    """The start fails, and nothing is saved or sent."""
    movie_id = add_film(world, StoredFilm(playable=False))
    with pytest.raises(FilmUnplayable):
        viewer.start(movie_id)
    assert (world.record.sessions, world.sent) == ({}, [])


@pytest.mark.parametrize("key", [None, "key"])
def test_the_storage_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID, key: str | None
) -> None:
    """The start fails and releases its key, so that it may be repeated immediately."""
    world.bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        viewer.start(movie_id, key=key)
    assert world.record.keys == {}
    world.bucket.is_down = False
    viewer.start(movie_id, key=key)


@pytest.mark.parametrize("key", [None, "key"])
def test_the_database_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID, key: str | None
) -> None:
    """The start fails, and no event is sent."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        viewer.start(movie_id, key=key)
    assert world.sent == []


def test_kafka_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The stream starts; its event and later ones wait in the outbox."""
    world.kafka.is_down = True
    viewer.start(movie_id)
    world.kafka.is_down = False
    viewer.start(movie_id)
    assert [each["action"] for each in world.waiting] == ["stream_start", "stream_start"]
    assert world.sent == []


def test_kafka_is_told_after_the_record(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The event is sent after the session was saved."""
    known: list[bool] = []

    def look(_: Message) -> None:
        known.append(len(world.record.sessions) == 1)

    world.kafka.before_sending = look
    viewer.start(movie_id)
    assert known == [True]


def test_the_outbox_cannot_be_emptied(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The stream starts although its sent event cannot be deleted from the outbox."""

    def lose_database(_: Message) -> None:
        world.record.is_down = True

    world.kafka.before_sending = lose_database
    viewer.start(movie_id)
    assert (len(world.sent), len(world.waiting)) == (1, 1)


def test_redis_does_not_answer(
    world: MemoryEnvironment, movie_id: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stream starts without enforcing the limit, and a metric counts it."""
    viewer = MemoryViewer(world, max_streams=1)
    world.redis.is_down = True
    viewer.start(movie_id)
    viewer.start(movie_id)
    assert len(world.record.sessions) == 2
    assert len(emitted(capsys.readouterr().out, "StreamLimitNotEnforced")) == 2


def test_a_repeated_key(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """The open session is returned, and no event is sent."""
    first = viewer.start(movie_id, key="key")
    viewer.report(movie_id, 60, first.session_id)
    again = viewer.start(movie_id, key="key")
    assert again == replace(first, resume_position_seconds=60)
    assert [each["action"] for each in world.sent] == ["stream_start", "stream_progress"]
    assert len(world.record.sessions) == 1


def test_a_key_for_another_film(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The start of another film with the same key is rejected."""
    viewer.start(movie_id, key="key")
    with pytest.raises(IdempotencyKeyReused):
        viewer.start(add_film(world), key="key")
    assert viewer.start(movie_id, key="key")


def test_a_key_of_a_session_that_has_ended(viewer: MemoryViewer, movie_id: UUID) -> None:
    """A repeated start of an ended session is rejected."""
    viewer.start(movie_id, key="key")
    viewer.stop(movie_id, 10)
    with pytest.raises(SessionEnded):
        viewer.start(movie_id, key="key")


def test_a_start_whose_answer_was_lost(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """If the function is killed after the commit, a repeat returns the open session."""

    class Killed(BaseException):
        """The function was killed during a start."""

    def kill(_: Message) -> None:
        raise Killed

    world.kafka.before_sending = kill
    with pytest.raises(Killed):
        viewer.start(movie_id, key="key")
    (session_id,) = world.record.sessions
    assert viewer.start(movie_id, key="key").session_id == session_id


def test_a_key_that_cannot_be_released(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """If the database fails during a failing start, a repeat has to wait 20 seconds."""

    class LosingDatabase(MemoryUserService):
        """Answers, and makes the database fail from then on."""

        def current_subscription(self, authorization: str) -> Subscription:
            """Return the caller's subscription."""
            world.record.is_down = True
            return super().current_subscription(authorization)

    world.users = LosingDatabase(world.users.subscriptions)
    world.bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        viewer.start(movie_id, key="key")
    world.record.is_down = world.bucket.is_down = False
    with pytest.raises(RequestInProgress):
        viewer.start(movie_id, key="key")
    world.pass_time(21)
    viewer.start(movie_id, key="key")
