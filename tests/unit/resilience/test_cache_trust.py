"""Tests of what an environment knows about the entries of Redis."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from streaming.resilience.cache_trust import (
    CacheServer,
    CacheTrust,
    Instant,
    RecordedTrust,
    servers_with,
)

EIGHT = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
SERVER = CacheServer("a")


@dataclass
class Clocks:
    """Two clocks that a test sets."""

    monotonic: float = 100.0
    system: float = 1_000.0

    def now(self) -> Instant:
        """Return their present."""
        return Instant(self.monotonic, self.system)


def seconds(number: float) -> timedelta:
    """Return that many seconds."""
    return timedelta(seconds=number)


@pytest.fixture
def clocks() -> Clocks:
    """The clocks of the environment."""
    return Clocks()


@pytest.fixture
def trust(clocks: Clocks) -> CacheTrust:
    """Knows that entries of one server are trusted from eight on, read three seconds later."""
    trust = CacheTrust(clocks.now)
    trust.learn(RecordedTrust([SERVER.name], EIGHT, EIGHT + seconds(3)), clocks.now())
    return trust


def test_nothing_is_known() -> None:
    """Without the row, no entry is used."""
    trust = CacheTrust()
    assert trust.is_due
    assert not trust.is_fresh
    assert not trust.includes(SERVER)
    assert not trust.holds(SERVER, EIGHT)
    assert not trust.covers_present


@pytest.mark.parametrize(
    ("server", "recorded_at", "is_used"),
    [
        (SERVER, EIGHT, True),
        (SERVER, EIGHT - timedelta(milliseconds=1), False),
        (SERVER, None, False),
        (CacheServer("b"), EIGHT, False),
        (CacheServer(""), EIGHT, False),
        (CacheServer("a", cluster="redis:6379"), EIGHT, False),
    ],
)
def test_an_entry(
    trust: CacheTrust, server: CacheServer, recorded_at: datetime | None, *, is_used: bool
) -> None:
    """Only an entry of a server in use that was recorded late enough is used."""
    assert trust.holds(server, recorded_at) is is_used


@pytest.mark.parametrize("clock", ["monotonic", "system"])
def test_the_lease(trust: CacheTrust, clocks: Clocks, clock: str) -> None:
    """After five seconds by either clock nothing is used; the row is read again before."""
    setattr(clocks, clock, getattr(clocks, clock) + 2.5)
    assert not trust.is_due
    setattr(clocks, clock, getattr(clocks, clock) + 2.4)
    assert trust.is_due
    assert trust.holds(SERVER, EIGHT)
    setattr(clocks, clock, getattr(clocks, clock) + 0.1)
    assert not trust.is_fresh
    assert not trust.holds(SERVER, EIGHT)
    assert not trust.includes(SERVER)


def test_a_clock_that_is_set_back(trust: CacheTrust, clocks: Clocks) -> None:
    """A system clock that is set back does not extend the lease."""
    clocks.monotonic += 5
    clocks.system -= 3600
    assert not trust.is_fresh


def test_what_is_committed_by_now(trust: CacheTrust, clocks: Clocks) -> None:
    """Commits are covered until the time from which entries are trusted, and not for longer."""
    assert not trust.covers_present
    trust.learn(RecordedTrust([], EIGHT + seconds(5), EIGHT), clocks.now())
    clocks.system += 4.9
    assert trust.covers_present
    clocks.system += 0.1
    assert not trust.covers_present


def test_another_single_server() -> None:
    """A single server replaces all others."""
    assert servers_with(["/a", "redis:6379/b"], CacheServer("c", "b")) == ["/c"]


def test_another_node_of_a_cluster() -> None:
    """A node replaces the one whose replica it was, and the servers outside of its cluster."""
    known = ["/a", "other:1/b", "redis:6379/c", "redis:6379/d"]
    node = CacheServer("e", "c", "redis:6379")
    assert servers_with(known, node) == ["redis:6379/d", "redis:6379/e"]
    assert servers_with(["redis:6379/e"], node) == ["redis:6379/e"]


def test_a_cluster_of_many_nodes() -> None:
    """Nodes that restart do not make the row longer and longer."""
    known: list[str] = []
    for number in range(150):
        known = servers_with(known, CacheServer(str(number), "", "redis:6379"))
    assert known == [f"redis:6379/{number}" for number in range(50, 150)]
