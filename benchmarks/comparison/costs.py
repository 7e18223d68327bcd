"""What each call needs of the servers: round trips, write-ahead log and HOT updates. All exact."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.comparison.services import OURS, SERVICES, Event, Service, Worker
from benchmarks.comparison.viewers import Playback, new_playbacks
from local.stack import Stack
from tests.support.call_costs import Cost, TripProxies, cost_of
from tests.support.wal import WriteAheadLog

VIEWERS = 10
# The first viewers open the connections, and change each page for the first time.
WARM_UP = 3
REPORTS = 4
LOOK_UPS = 3

Costs = dict[str, dict[str, list[Cost]]]
"""The costs of each viewer's calls by service and call."""

Step = tuple[str, str, Callable[[], Event]]
"""The name of a call, its function, and its event."""


def measure(stack: Stack, logs: Path) -> Costs:
    """Return the costs of each call of each service."""
    found: Costs = {service.name: defaultdict(list) for service in SERVICES}
    with TripProxies(stack) as proxies, WriteAheadLog(stack.postgres) as log:
        for service in SERVICES:
            with ExitStack() as running:
                workers = {
                    name: running.enter_context(
                        Worker(
                            service,
                            name,
                            proxies.environment,
                            logs / f"{service.name}-{name}-costs.log",
                        )
                    )
                    for name in ("start", "progress", "get", "stop")
                }
                for number, playback in enumerate(new_playbacks(stack, WARM_UP + VIEWERS)):
                    for name, function, event in _steps(service, playback):
                        call = partial(workers[function].call, [event()])
                        calls, cost = cost_of(call, proxies, log)
                        if number >= WARM_UP:
                            found[service.name][name].append(cost)
                            assert calls.bodies
                        if function == "start" and calls.results[0]["statusCode"] == 200:
                            playback.started(calls.bodies[0])
    return found


def summary(costs: list[Cost]) -> dict[str, Any]:
    """Return the usual round trips of a call, its mean bytes of log, and the share of HOT updates.

    Few calls need more trips: a look-up asks PostgreSQL whether it may trust Redis once in some
    seconds. The share is None for calls that update nothing.
    """
    hot = sum(cost.wal.hot_updates for cost in costs)
    updates = hot + sum(cost.wal.other_updates for cost in costs)
    return {
        **{
            server: statistics.mode(cost.trips[server] for cost in costs)
            for server in costs[0].trips
        },
        "wal_bytes": round(sum(cost.wal.written_bytes for cost in costs) / len(costs)),
        "hot_share": hot / updates if updates else None,
    }


def _steps(service: Service, playback: Playback) -> Iterator[Step]:
    # The first start of a viewer asks the user service.
    yield "first start", "start", playback.start
    yield "start", "start", playback.start
    yield "first progress", "progress", playback.report
    for _ in range(REPORTS):
        yield "progress", "progress", playback.report
    for _ in range(LOOK_UPS):
        yield "get", "get", playback.get
    if service is OURS:
        yield "continue watching", "get", playback.list_films
    yield "stop", "stop", playback.stop
    if service is OURS:
        yield "start with a key", "start", lambda: _with_key(playback.start())


def _with_key(event: Event) -> Event:
    event["headers"]["idempotency-key"] = str(uuid4())
    return event
