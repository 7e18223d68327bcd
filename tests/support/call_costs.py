"""What each call of the API needs of the servers: round trips, and bytes of the write-ahead log."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar
from uuid import UUID, uuid4

from local.stack import Stack
from tests.support.functions import Response, Viewer
from tests.support.proxies import redirected
from tests.support.trip_proxy import TripProxy
from tests.support.wal import WriteAheadLog, Written

COUNTED = ("postgres", "redis", "kafka")

Result = TypeVar("Result")

Trips = dict[str, int]
Call = Callable[[], Response]
Meter = Callable[[str, Call], Response]
"""Makes a call, whose name is the first argument, and returns its response."""


class TripProxies:
    """A counting proxy in front of PostgreSQL, Redis and Kafka of a running stack.

    ``environment`` contains the variables of functions that use the proxies. A context manager.
    """

    def __init__(self, stack: Stack, delay_seconds: float = 0.0) -> None:
        self._stack = stack
        self._running = ExitStack()
        self._proxies = {
            name: TripProxy(
                getattr(stack, name).port, delay_seconds=delay_seconds, readdress=name == "kafka"
            )
            for name in COUNTED
        }

    def __enter__(self) -> Self:
        """Begin to listen."""
        for proxy in self._proxies.values():
            self._running.enter_context(proxy)
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self._running.close()

    @property
    def environment(self) -> Mapping[str, str]:
        """The stack's environment with the proxies' addresses instead of its servers'."""
        return redirected(self._stack, {name: each.port for name, each in self._proxies.items()})

    @property
    def trips(self) -> Trips:
        """The number of round trips so far, by server."""
        return {name: proxy.trips for name, proxy in self._proxies.items()}


@dataclass(frozen=True, slots=True)
class Cost:
    """The round trips of one call by server, and what its transactions wrote."""

    trips: Trips
    wal: Written


def cost_of(
    call: Callable[[], Result], proxies: TripProxies, log: WriteAheadLog
) -> tuple[Result, Cost]:
    """Return the result of a call and its cost; nothing else may use the servers meanwhile."""
    position, before = log.position(), proxies.trips
    result = call()
    trips = {server: count - before[server] for server, count in proxies.trips.items()}
    return result, Cost(trips, log.since(position))


def costs(
    proxies: TripProxies, log: WriteAheadLog, viewer: Viewer, movie_id: UUID
) -> Iterator[tuple[str, Cost]]:
    """Yield the cost of each call of a viewer who watches a film, by the call's name."""
    measured: list[tuple[str, Cost]] = []

    def measure(name: str, call: Call) -> Response:
        response, cost = cost_of(call, proxies, log)
        measured.append((name, cost))
        return response

    watch(viewer, movie_id, measure)
    yield from measured


def watch(viewer: Viewer, movie_id: UUID, meter: Meter, reports: int = 3) -> None:
    """Make each call of a viewer who watches a film through ``meter``; all of them must succeed."""

    def call(name: str, action: Call) -> Response:
        response = meter(name, action)
        assert response.status == 200, f"{name}: {response.body}"
        return response

    started = call("start", lambda: viewer.start(movie_id))
    session_id = started.json["session_id"]
    for sequence in range(1, reports + 1):
        order = {"session_id": session_id, "sequence": sequence}
        report = partial(viewer.report, movie_id, 100 + sequence, **order)
        call("progress" if sequence > 1 else "first progress", report)
    call("get", lambda: viewer.progress(movie_id))
    call("continue watching", viewer.continue_watching)
    order = {"session_id": session_id, "sequence": reports + 1}
    call("stop", lambda: viewer.stop(movie_id, 200, **order))
    key = str(uuid4())
    call("start with a key", lambda: viewer.start(movie_id, key=key))
    call("report without a session", lambda: viewer.report(movie_id, 300))
    call("stop without a session", lambda: viewer.stop(movie_id, 310))
