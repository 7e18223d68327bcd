"""The behaviour while a dependency is stopped, and the recovery when it is back."""

import gzip
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from uuid import UUID, uuid4

import httpx
import pytest
from redis import Redis

from local.stack import Stack
from streaming.access.user_service import UserServiceClient
from streaming.cache.client import Cache
from streaming.config.cache import CacheSettings
from streaming.config.events import EventSettings
from streaming.config.user_service import UserServiceSettings
from streaming.domain.subscriptions import UserServiceUnavailable
from streaming.events.event import Message
from streaming.events.producer import EventProducer
from streaming.resilience.http_client import HttpClient
from tests.conftest import Rows, set_subscription
from tests.faults.faults import FAULTS
from tests.support.connections import close_connections
from tests.support.functions import Viewer, event, forget_environment, invoke, new_viewer
from tests.support.kafka import await_events
from tests.support.proxies import Proxies
from tests.support.redis_of_stack import announced
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers


@pytest.fixture(autouse=True)
def everything_back(stack: Stack) -> Iterator[None]:
    """Servers that a test stops run again afterwards, on the same port."""
    servers = (stack.redis, stack.kafka, stack.user_service, stack.postgres)
    yield
    for server in servers:
        if not server.running:
            server.start()


def play_through(viewer: Viewer, movie_id: UUID) -> None:
    """Make the four calls; each succeeds."""
    started = viewer.start(movie_id)
    assert started.status == 200, started.body
    session_id = started.json["session_id"]
    assert viewer.report(movie_id, 20, session_id=session_id, sequence=1).status == 200
    assert viewer.progress(movie_id).json["position_seconds"] == 20
    assert viewer.stop(movie_id, 25, session_id=session_id, sequence=2).status == 200


def test_redis_gone(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """Without Redis, warm or cold, the four calls use PostgreSQL and the user service."""
    play_through(viewer, movie_id)
    stack.redis.stop()
    play_through(viewer, movie_id)
    forget_environment()
    play_through(viewer, movie_id)


def test_redis_slow(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Redis slower than working without it is skipped, also by a first start."""
    with TcpProxy(stack.ports.redis_port) as proxy, announced(stack, proxy.port):
        monkeypatch.setenv("REDIS_PORT", str(proxy.port))
        forget_environment()
        play_through(viewer, movie_id)
        proxy.delay(1)  # longer than Redis has in the tests' time
        somebody_new = new_viewer(stack.token)
        set_subscription(stack, somebody_new.user_id)
        with Redis(port=stack.ports.redis_port) as redis:
            for key in redis.keys("copy:*"):
                redis.delete(key)

        play_through(somebody_new, movie_id)
        forget_environment()


def test_redis_is_late_again(stack: Stack) -> None:
    """After a late reply another connection is tried; after the next one Redis is skipped."""
    with TcpProxy(stack.ports.redis_port) as proxy:
        settings = CacheSettings.from_environment({"REDIS_PORT": str(proxy.port)})
        cache = Cache(settings)
        assert cache.set("late", {"is": "here"}, 60)
        proxy.delay(1)

        assert cache.get("late") == {"is": "here"}
        assert cache.get("late") is None

        assert cache.is_down
        assert proxy.accepted == 2


def test_redis_and_kafka_gone(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """Without Redis and Kafka together, warm or cold, the four calls succeed."""
    play_through(viewer, movie_id)
    stack.redis.stop()
    stack.kafka.stop()
    play_through(viewer, movie_id)
    forget_environment()
    play_through(viewer, movie_id)


def test_kafka_gone(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Without Kafka the calls succeed, and their events arrive after its recovery."""
    play_through(viewer, movie_id)
    stack.kafka.stop()
    play_through(viewer, movie_id)
    waiting = "SELECT topic FROM event_outbox WHERE key = :key ORDER BY id"
    kept = [row["topic"] for row in rows(waiting, key=str(viewer.user_id))]
    assert kept == ["stream.start", "stream.progress", "stream.stop"]

    stack.kafka.start()
    forget_environment()
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 minute'")
    relayed = invoke("housekeeping", event("housekeeping"))

    assert relayed["relayed"] >= 3
    assert rows(waiting, key=str(viewer.user_id)) == []
    events = await_events(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id, 3)
    distinct = {topic: {each["event_id"] for each in found} for topic, found in events.items()}
    assert {topic: len(ids) for topic, ids in distinct.items()} == {
        "stream.start": 1,
        "stream.progress": 1,
        "stream.stop": 1,
    }


@pytest.mark.parametrize("fault", ["silent", "unreachable"])
def test_kafka_gone_leaves_the_processor_alone(
    stack: Stack, environment: dict[str, str], fault: str
) -> None:
    """While messages wait for a broker that does not respond, the producer's thread sleeps."""
    (broken,) = (each for each in FAULTS if each.title == fault)
    with Proxies(stack) as proxies, ExitStack() as opened:
        settings = EventSettings.from_environment({**environment, **proxies.environment})
        publisher = EventProducer(settings)
        opened.callback(close_connections, [publisher])
        eventually(lambda: _is_acknowledged(publisher))
        broken.begin(proxies["kafka"], "kafka")
        worked, began = time.process_time(), time.monotonic()

        def publish_for_four_seconds() -> bool:
            assert not _is_acknowledged(publisher)
            return time.monotonic() - began > 4

        eventually(publish_for_four_seconds)

        assert time.process_time() - worked < 0.2 * (time.monotonic() - began)


def _is_acknowledged(publisher: EventProducer) -> bool:
    return publisher.begin(_message())()


def _message() -> Message:
    return Message(uuid4(), "stream.start", str(uuid4()), "{}")


def test_fresh_outbox_rows_are_left_alone(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """Housekeeping does not send events that a request is sending at that moment."""
    stack.kafka.stop()
    viewer.start(movie_id)
    stack.kafka.start()
    forget_environment()

    invoke("housekeeping", event("housekeeping"))

    waiting = "SELECT 1 FROM event_outbox WHERE key = :key"
    assert len(rows(waiting, key=str(viewer.user_id))) == 1


def test_user_service_gone(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """Without the user service a cached subscriber starts, an unknown user gets 503."""
    assert viewer.start(movie_id).status == 200
    stack.user_service.stop()

    unknown = new_viewer(stack.token).start(movie_id)

    assert viewer.start(movie_id).status == 200
    assert (unknown.status, unknown.json["code"]) == (503, "entitlement_unavailable")
    assert int(unknown.headers["retry-after"]) > 0


@pytest.mark.usefixtures("environment")
def test_user_service_silent(stack: Stack, movie_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user service that hangs is called by one start, not by each concurrent one."""
    with TcpProxy(stack.ports.user_service_port) as proxy:
        monkeypatch.setenv("USER_SERVICE_URL", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("USER_SERVICE_TIMEOUT", "1")
        forget_environment()
        proxy.black_hole()
        answers = [new_viewer(stack.token).start(movie_id)]
        asked = proxy.accepted

        answers += [new_viewer(stack.token).start(movie_id) for _ in range(5)]

        assert [answer.json["code"] for answer in answers] == ["entitlement_unavailable"] * 6
        assert proxy.accepted == asked > 0
        forget_environment()


def test_grace(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """After the cached subscription has expired, the grace copy is accepted during an outage."""
    assert viewer.start(movie_id).status == 200

    Redis(port=stack.ports.redis_port).delete(f"subscription:{viewer.user_id}")
    stack.user_service.stop()

    assert viewer.start(movie_id).status == 200


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, b"<html>maintenance</html>"),
        (200, {}, b"[]"),
        (200, {}, b'{"is_active": "yes"}'),
        (200, {}, b"[" * 20_000 + b"]" * 20_000),
        (200, {"Content-Encoding": "gzip, gzip"}, gzip.compress(gzip.compress(b" " * 2**24))),
        (200, {"Content-Encoding": "br"}, b"{}"),
        (302, {"Location": "http://127.0.0.1:9/"}, b""),
        (401, {}, b""),
        (500, {}, b""),
    ],
)
def test_user_service_talks_nonsense(status: int, headers: dict[str, str], body: bytes) -> None:
    """An invalid response of the user service is neither a subscription nor a 403."""
    settings = UserServiceSettings(url="http://users.example", timeout=1, grace=0)
    transport = httpx.MockTransport(
        lambda request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))
    )

    with closing(HttpClient(transport)) as http, pytest.raises(UserServiceUnavailable):
        UserServiceClient(settings, http).current_subscription("Bearer token")


def test_postgres_gone(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """Without PostgreSQL nothing is acknowledged; afterwards the same environment works."""
    play_through(viewer, movie_id)
    stack.postgres.stop()

    for answer in (
        viewer.start(movie_id),
        viewer.report(movie_id, 50),
        viewer.stop(movie_id, 50),
        viewer.continue_watching(),
    ):
        assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert viewer.progress(movie_id).json["position_seconds"] == 25

    stack.postgres.start()
    play_through(viewer, movie_id)


def test_connection_cut_between_calls(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A connection that was closed between two calls makes no call fail."""
    kill = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'streaming' AND pid <> pg_backend_pid()
    """
    for position in range(10):
        assert viewer.report(movie_id, position).status == 200
        rows(kill)


def test_inactive_soon_after_paying(stack: Stack, stranger: Viewer, movie_id: UUID) -> None:
    """A user who pays after a refusal is accepted as soon as the cached refusal expires."""
    assert stranger.start(movie_id).status == 403
    set_subscription(stack, stranger.user_id, is_active=True)
    Redis(port=stack.ports.redis_port).delete(f"subscription:{stranger.user_id}")

    assert stranger.start(movie_id).status == 200
