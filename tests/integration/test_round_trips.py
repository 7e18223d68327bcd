"""Round trips, write-ahead log and HOT updates of each call, all of which are exact."""

import statistics
from collections import defaultdict
from dataclasses import replace
from uuid import UUID

import pytest

from local.stack import Stack
from tests.conftest import set_subscription
from tests.support.call_costs import Cost, TripProxies, costs
from tests.support.functions import ExecutionEnvironment, new_viewer, patient_request
from tests.support.redis_trust import use_redis
from tests.support.wal import WriteAheadLog

# Nothing else writes to the log of these servers.
pytestmark = [pytest.mark.server, pytest.mark.own_servers]

VIEWERS = 8

# The most round trips of a warm call: to PostgreSQL, Redis and Kafka.
MOST_TRIPS = {
    "start": (2, 1, 1),
    "start with a key": (3, 2, 1),
    "first progress": (1, 1, 1),
    "progress": (1, 1, 1),
    "report without a session": (5, 1, 1),
    "get": (0, 1, 0),
    "continue watching": (1, 0, 0),
    "stop": (2, 1, 1),
    "stop without a session": (8, 1, 1),
}
# The most bytes of write-ahead log, as the mean of all viewers. A row that moves to another page
# and a full page of an index write a few more bytes than others.
MOST_WAL_BYTES = {
    "start": 1650,
    "start with a key": 2250,
    "progress": 320,
    "get": 0,
    "continue watching": 0,
    "stop": 1600,
}
# The least share of the updates of reports that write no entries in indexes.
LEAST_HOT_SHARE = 0.95


@pytest.fixture(scope="module")
def measured(stack: Stack, movie_id: UUID) -> dict[str, list[Cost]]:
    """The costs of each call by its name, once for each viewer, in a warm environment."""
    found: defaultdict[str, list[Cost]] = defaultdict(list)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment.items():
            patch.setenv(name, value)
        use_redis(stack)
        with (
            TripProxies(stack) as proxies,
            WriteAheadLog(stack.postgres) as log,
            ExecutionEnvironment(proxies.environment) as environment,
        ):
            for number in range(1 + VIEWERS):
                viewer = new_viewer(stack.token)
                set_subscription(stack, viewer.user_id, is_active=True)
                # Publishes the film and caches the subscription.
                replace(viewer, send=patient_request).start(movie_id)
                for name, cost in costs(proxies, log, viewer, movie_id):
                    # The first viewer opens the connections.
                    if number:
                        found[name].append(cost)
            environment.close()
    return found


@pytest.mark.parametrize("call", MOST_TRIPS)
def test_round_trips(measured: dict[str, list[Cost]], call: str) -> None:
    """A warm call makes no more round trips than this to PostgreSQL, Redis and Kafka."""
    most = dict(zip(("postgres", "redis", "kafka"), MOST_TRIPS[call], strict=True))

    excess = [
        cost.trips
        for cost in measured[call]
        if any(count > most[server] for server, count in cost.trips.items())
    ]

    assert len(measured[call]) >= VIEWERS
    assert excess == []


@pytest.mark.parametrize("call", MOST_WAL_BYTES)
def test_write_ahead_log(measured: dict[str, list[Cost]], call: str) -> None:
    """A warm call writes no more bytes than this to PostgreSQL's log."""
    written = statistics.mean(cost.wal.written_bytes for cost in measured[call])

    assert written <= MOST_WAL_BYTES[call]


def test_hot_updates(measured: dict[str, list[Cost]]) -> None:
    """Most updates of a report write no entries in indexes."""
    reports = [cost.wal for cost in measured["progress"]]
    hot = sum(each.hot_updates for each in reports)

    assert hot >= LEAST_HOT_SHARE * (hot + sum(each.other_updates for each in reports))
