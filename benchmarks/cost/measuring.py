"""Measures what the calls of ours and of the peers use."""

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.circumstances import circumstances
from benchmarks.comparison.services import CLASSIC, FASTAPI, OURS, SERVICES, Service, Worker
from benchmarks.comparison.stack import DELAY_SECONDS, running
from benchmarks.comparison.viewers import EVENTS, Playback, check, new_playbacks
from benchmarks.cost.meters import Meters
from benchmarks.cost.usage import Kept, Usage
from local.stack import Stack
from tests.support.call_costs import TripProxies

VIEWERS = 25
# The viewers whose calls warm up a function, and are not measured.
WARM_UP = 5
# Blocks of each call; a report is the most frequent call and has the smallest share of noise.
BLOCKS = {"start": 5, "progress": 20, "get": 5, "stop": 1, "authorizer": 5}


def measure() -> Kept:
    """Return the usage of each call of each service."""
    about = circumstances()
    with running() as (stack, logs), TripProxies(stack, DELAY_SECONDS) as proxies:
        found = {
            service.name: _of_service(service, stack, proxies.environment, logs)
            for service in SERVICES
        }
    # FastAPI's authorizer would be the same function as that of the usual Lambda.
    found[FASTAPI.name]["authorizer"] = found[CLASSIC.name]["authorizer"]
    return Kept(about, found)


def _of_service(
    service: Service, stack: Stack, variables: Mapping[str, str], logs: Path
) -> dict[str, Usage]:
    prefix = stack.environment["KAFKA_TOPIC_PREFIX"] if service is OURS else service.name
    topics = [f"{prefix}.{each}" for each in ("start", "progress", "stop")]
    playbacks = new_playbacks(stack, VIEWERS)
    found = {}
    for name in BLOCKS:
        if name not in service.folders:
            continue
        log = logs / f"{service.name}-{name}-usage.log"
        with ExitStack() as opened:
            worker = opened.enter_context(Worker(service, name, variables, log))
            meters = opened.enter_context(Meters(stack, topics, log))
            # The first calls open connections; the first start of a viewer caches the subscription.
            _call(worker, name, playbacks if name == "start" else playbacks[:WARM_UP])
            found[name] = _blocks(worker, meters, name, playbacks[WARM_UP:])
    return found


def _blocks(worker: Worker, meters: Meters, name: str, playbacks: Sequence[Playback]) -> Usage:
    before, nanoseconds, processor = meters.read(), [], 0
    for _ in range(BLOCKS[name]):
        taken, busy = _call(worker, name, playbacks)
        nanoseconds += taken
        processor += busy
    calls = len(nanoseconds)
    used = {each: value / calls for each, value in meters.since(before).items()}
    return Usage(
        handler_ms=statistics.median(nanoseconds) / 1e6,
        processor_ms=processor / calls / 1e6,
        **used,
    )


def _call(worker: Worker, name: str, playbacks: Sequence[Playback]) -> tuple[list[int], int]:
    calls = worker.call([EVENTS[name](playback) for playback in playbacks])
    check(name, calls, playbacks)
    return calls.nanoseconds, calls.processor_nanoseconds
