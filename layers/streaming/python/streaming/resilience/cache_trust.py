"""Which entries of Redis may answer for PostgreSQL.

PostgreSQL has one row about this: the servers of Redis in use, and a time. An entry may answer if
its server is one of them, and if it was read from PostgreSQL after that time. Every execution
environment reads the row at least every five seconds, or does without Redis. So a change of the
row has an effect everywhere after five seconds, and whoever changes it sets the time to five
seconds from now. docs/decisions/0006 has the proof.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE_SECONDS = 5.0
"""How long an environment may use what it has read."""

# A transaction reads the row again if the environment has not done so for this long.
_DUE_SECONDS = LEASE_SECONDS / 2
_MOST_SERVERS = 100


@dataclass(frozen=True, slots=True)
class CacheServer:
    """A server of Redis, as one history of writes: a restart or a fail-over begins another one.

    ``id`` is its replication id, empty if it does not tell it or is a replica. ``predecessor`` is
    that of the server that it has replaced, if it was a replica. ``cluster`` is the address of the
    cluster that it belongs to; empty for a single server.
    """

    id: str
    predecessor: str = ""
    cluster: str = ""

    @property
    def name(self) -> str:
        """The name in PostgreSQL; empty without an id."""
        return self.id and _name(self.cluster, self.id)


@dataclass(frozen=True, slots=True)
class RecordedTrust:
    """The row, and the database's time at which it was read."""

    servers: Sequence[str]
    trusted_from: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment by two clocks, in seconds.

    The monotonic clock may stop while the environment is frozen. The system's clock may be set
    back. The greater difference is the time that has passed at most.
    """

    monotonic: float
    system: float

    @classmethod
    def now(cls) -> "Instant":
        """Return the present."""
        return cls(time.monotonic(), time.time())

    def until(self, later: "Instant") -> float:
        """Return how many seconds have passed at most."""
        return max(later.monotonic - self.monotonic, later.system - self.system)


class CacheTrust:
    """What an execution environment knows of the row.

    ``now`` returns the present; pass it to ``learn`` as of before the row was requested.
    """

    def __init__(self, now: Callable[[], Instant] = Instant.now) -> None:
        self.now = now
        self._known: RecordedTrust | None = None
        self._asked_at = Instant(0.0, 0.0)

    def learn(self, known: RecordedTrust | None, asked_at: Instant) -> None:
        """Use a row that was requested at ``asked_at``; None if there is none."""
        self._known, self._asked_at = known, asked_at

    @property
    def is_due(self) -> bool:
        """Whether the next transaction should read the row."""
        return self._known is None or self._age > _DUE_SECONDS

    @property
    def is_fresh(self) -> bool:
        """Whether entries may be used at all."""
        return self._known is not None and self._age < LEASE_SECONDS

    @property
    def servers(self) -> Sequence[str]:
        """The names of the servers in use."""
        return self._known.servers if self._known else ()

    @property
    def covers_present(self) -> bool:
        """Whether no entry of what is committed by now may be used.

        Positions that are committed by now then need not be in Redis.
        """
        if self._known is None:
            return False
        latest_present = self._known.read_at + timedelta(seconds=self._age)
        return self._known.trusted_from > latest_present

    def includes(self, server: CacheServer) -> bool:
        """Return whether ``server`` is in use, so that every environment reads what it has."""
        return self.is_fresh and bool(server.name) and server.name in self.servers

    def holds(self, server: CacheServer, recorded_at: datetime | None) -> bool:
        """Return whether an entry of ``server`` may answer for PostgreSQL.

        ``recorded_at`` is when the transaction began that read or wrote it.
        """
        return (
            self._known is not None
            and recorded_at is not None
            and self.includes(server)
            and recorded_at >= self._known.trusted_from
        )

    @property
    def _age(self) -> float:
        return self._asked_at.until(self.now())


def servers_with(known: Sequence[str], server: CacheServer) -> list[str]:
    """Return the servers in use when ``server`` is used from now on.

    A single server replaces all others. A node of a cluster replaces the one that it was a replica
    of, and the servers outside of its cluster.
    """
    if not server.cluster:
        return [server.name]
    others = [
        each
        for each in known
        if each.startswith(_name(server.cluster, ""))
        and each not in (server.name, _name(server.cluster, server.predecessor))
    ]
    return [*others[1 - _MOST_SERVERS :], server.name]


def _name(cluster: str, replication_id: str) -> str:
    return f"{cluster}/{replication_id}"
