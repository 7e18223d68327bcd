"""Positions in Redis answer only while no newer one can be hidden behind them.

The environments have separate connections and clocks; the servers are real.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest

from local.ports import free_ports
from local.servers.redis import Redis
from local.stack import Stack
from streaming.resilience.cache_trust import Instant
from tests.conftest import Rows
from tests.support.functions import ExecutionEnvironment, Viewer, patient_request
from tests.support.redis_trust import use_redis
from tests.support.stored_redis import StoredRedis
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers

ROW = "SELECT CAST(xmin AS text) AS writer FROM cache_trust"


@dataclass
class Site:
    """Two Redis servers, and environments with an address of Redis each."""

    stack: Stack
    first: StoredRedis
    second: StoredRedis
    opened: ExitStack

    def environment(self) -> "Client":
        """Begin an environment whose Redis is the first one."""
        proxy = self.opened.enter_context(TcpProxy(self.first.port))
        environment = ExecutionEnvironment(
            {**self.stack.environment, "REDIS_PORT": str(proxy.port)}
        )
        self.opened.callback(environment.close)
        return Client(environment, proxy)


@dataclass
class Client:
    """An environment and the address of its Redis."""

    environment: ExecutionEnvironment
    redis: TcpProxy

    def report(self, viewer: Viewer, movie_id: UUID, position: int) -> None:
        """Report a position, which must be acknowledged."""
        with self.environment:
            response = viewer.report(movie_id, position)
        assert response.status == 200, response.body

    def found(self, viewer: Viewer, movie_id: UUID) -> int:
        """Return the position that a look-up finds."""
        with self.environment:
            response = viewer.progress(movie_id)
        assert response.status == 200, response.body
        return int(response.json["position_seconds"])

    def pass_time(self, seconds: float) -> None:
        """Advance the clocks of the environment."""
        trust = self.environment.parts.cache_trust
        now = trust.now()
        trust.now = lambda: Instant(now.monotonic + seconds, now.system + seconds)

    def lead_to(self, server: Redis) -> None:
        """Let new connections lead to another server, and end the open ones."""
        self.redis.target_port = server.port
        self.redis.cut_connections()


@pytest.fixture
def site(stack: Stack) -> Iterator[Site]:
    """Two servers; the first one is in use."""
    first, second = (StoredRedis(port, stack.state) for port in free_ports(2))
    with ExitStack() as opened:
        for server in (first, second):
            server.start()
            opened.callback(server.stop)
        use_redis(stack, first.port)
        yield Site(stack, first, second, opened)


@pytest.fixture
def viewer(viewer: Viewer, movie_id: UUID, site: Site) -> Viewer:
    """A viewer of the film, who has time."""
    patient = Viewer(viewer.user_id, viewer.token, patient_request)
    with site.environment().environment:
        assert patient.start(movie_id).status == 200
    return patient


def test_a_position_is_read_from_redis(
    site: Site, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """What one environment has written to Redis another one finds there, not in PostgreSQL."""
    writer, reader = site.environment(), site.environment()
    reader.report(viewer, movie_id, 30)
    writer.report(viewer, movie_id, 40)
    rows(
        "UPDATE watch_progress SET position_seconds = 50 WHERE user_id = :user_id",
        user_id=viewer.user_id,
    )

    assert reader.found(viewer, movie_id) == 40


def test_one_environment_cannot_reach_redis(site: Site, viewer: Viewer, movie_id: UUID) -> None:
    """Its position is hidden in another environment for five seconds at most."""
    apart, reader = site.environment(), site.environment()
    reader.report(viewer, movie_id, 40)
    apart.redis.refuse()

    apart.report(viewer, movie_id, 53)

    assert apart.found(viewer, movie_id) == 53
    assert reader.found(viewer, movie_id) == 40
    reader.pass_time(5)
    assert reader.found(viewer, movie_id) == 53
    assert reader.found(viewer, movie_id) == 53


def test_an_outage_writes_once(site: Site, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Once the row distrusts Redis, reports of no environment change it, until the time in it."""
    environments = [site.environment() for _ in range(3)]
    before = rows(ROW)
    for each in environments:
        each.redis.refuse()
    environments[0].report(viewer, movie_id, 40)
    assert rows(ROW) != before
    # The rest may take longer than five seconds.
    rows("UPDATE cache_trust SET trusted_from = now() + interval '1 hour'")
    distrusted = rows(ROW)

    for position in range(6):
        environments[position % 3].report(viewer, movie_id, 50 + position)

    assert rows(ROW) == distrusted
    assert environments[0].found(viewer, movie_id) == 55


def test_nothing_is_written_while_redis_is_well(
    site: Site, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """Reports and look-ups do not change the row."""
    client = site.environment()
    row = rows(ROW)
    for position in range(3):
        client.report(viewer, movie_id, position)
        assert client.found(viewer, movie_id) == position
        client.pass_time(5)
    assert rows(ROW) == row


def test_a_restart_with_an_old_snapshot(site: Site, viewer: Viewer, movie_id: UUID) -> None:
    """After Redis has lost the last position, the position is found at once."""
    writer, reader = site.environment(), site.environment()
    reader.report(viewer, movie_id, 40)
    site.first.save()
    writer.report(viewer, movie_id, 53)
    site.first.kill()
    site.first.start()
    assert '"position_seconds":40' in _cached(site.first, viewer, movie_id)

    assert reader.found(viewer, movie_id) == 53
    assert reader.found(viewer, movie_id) == 53


def test_a_fail_over_that_loses_a_write(site: Site, viewer: Viewer, movie_id: UUID) -> None:
    """After a fail-over to a replica without the last position, it is found at once."""
    writer, reader = site.environment(), site.environment()
    _replicate(site)
    reader.report(viewer, movie_id, 40)
    eventually(lambda: bool(site.second.client.exists(_key(viewer, movie_id))))
    site.second.client.replicaof("NO", "ONE")
    writer.report(viewer, movie_id, 53)
    for each in (writer, reader):
        each.lead_to(site.second)

    assert reader.found(viewer, movie_id) == 53
    writer.report(viewer, movie_id, 56)
    assert reader.found(viewer, movie_id) == 56


def test_a_former_primary_that_one_environment_still_reaches(
    site: Site, viewer: Viewer, movie_id: UUID
) -> None:
    """Positions on the new primary are hidden there for five seconds at most."""
    writer, behind = site.environment(), site.environment()
    behind.report(viewer, movie_id, 40)
    writer.lead_to(site.second)

    writer.report(viewer, movie_id, 53)

    assert behind.found(viewer, movie_id) == 40
    behind.pass_time(5)
    assert behind.found(viewer, movie_id) == 53


def test_writes_to_a_former_primary(site: Site, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A position that only a former primary has is hidden for five seconds at most."""
    behind, reader = site.environment(), site.environment()
    reader.lead_to(site.second)
    reader.report(viewer, movie_id, 40)
    _settle(rows)
    for each in (behind, reader):
        each.pass_time(5)
    reader.report(viewer, movie_id, 50)
    assert reader.found(viewer, movie_id) == 50

    behind.report(viewer, movie_id, 53)

    reader.pass_time(5)
    assert reader.found(viewer, movie_id) == 53


def test_a_primary_that_becomes_a_replica(site: Site, viewer: Viewer, movie_id: UUID) -> None:
    """An open connection to a former primary does not return what it has as a replica."""
    reader, writer = site.environment(), site.environment()
    reader.report(viewer, movie_id, 40)
    site.first.client.replicaof("127.0.0.1", str(site.second.port))
    writer.lead_to(site.second)
    writer.report(viewer, movie_id, 53)

    assert reader.found(viewer, movie_id) == 53


def test_postgresql_does_not_answer(site: Site, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """If neither Redis nor PostgreSQL can be told of a position, it is not acknowledged."""
    client = site.environment()
    client.report(viewer, movie_id, 40)
    client.redis.refuse()
    rows("ALTER TABLE cache_trust RENAME TO cache_trust_away")
    try:
        with client.environment:
            assert viewer.report(movie_id, 53).status >= 500
    finally:
        rows("ALTER TABLE cache_trust_away RENAME TO cache_trust")

    client.report(viewer, movie_id, 56)
    assert client.found(viewer, movie_id) == 56


def test_an_erased_user(
    site: Site, viewer: Viewer, movie_id: UUID, erase: Callable[[UUID], None]
) -> None:
    """An erased position is not found in a server that still has it, after five seconds."""
    reader = site.environment()
    reader.report(viewer, movie_id, 40)
    erase(viewer.user_id)
    reader.pass_time(5)

    with reader.environment:
        assert viewer.progress(movie_id).status == 404


@pytest.fixture
def erase(site: Site) -> Callable[[UUID], None]:
    """Erases a user in an environment whose Redis is the second one."""

    def work(user_id: UUID) -> None:
        client = site.environment()
        client.lead_to(site.second)
        client.environment.parts.erase_user(user_id)

    return work


def _key(viewer: Viewer, movie_id: UUID) -> str:
    return f"progress:{viewer.user_id}:{movie_id}"


def _cached(server: StoredRedis, viewer: Viewer, movie_id: UUID) -> str:
    return str(server.client.get(_key(viewer, movie_id)))


def _replicate(site: Site) -> None:
    site.second.client.replicaof("127.0.0.1", str(site.first.port))
    eventually(lambda: site.second.client.info("replication")["master_link_status"] == "up")


def _settle(rows: Rows) -> None:
    """Let five seconds pass since the servers of Redis have changed."""
    rows("UPDATE cache_trust SET trusted_from = now()")
