"""The time from the start of a process to its first answer, of ours and of the peers.

Each sample is a new process, as a new execution environment is. The film is published and the
subscription is cached, because the warm calls precede. The services take turns.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.comparison.services import CLASSIC, FASTAPI, OURS, SERVICES, Worker
from benchmarks.comparison.services import Service as Measured
from benchmarks.comparison.viewers import EVENTS, Playback, check, new_playbacks
from local.stack import Stack

FUNCTIONS = tuple(EVENTS)
# FastAPI's authorizer would be the same function as that of the usual Lambda.
COMPARED_WITH = dict.fromkeys(FUNCTIONS, FASTAPI) | {"authorizer": CLASSIC}

Cold = Mapping[str, Mapping[str, list[float]]]
"""The seconds of each first answer by service and function."""


def measure(stack: Stack, rounds: int, logs: Path, progressed: Callable[[], None]) -> Cold:
    """Measure each function ``rounds`` times after a round that is not measured."""
    found: dict[str, defaultdict[str, list[float]]] = {
        service.name: defaultdict(list) for service in SERVICES
    }
    playbacks = new_playbacks(stack, len(SERVICES))
    for number in range(1 + rounds):
        for function in FUNCTIONS:
            for service, playback in zip(SERVICES, playbacks, strict=True):
                if function not in service.folders:
                    continue
                seconds = _first_answer(service, function, playback, stack, logs)
                if number:
                    found[service.name][function].append(seconds)
        progressed()
    return found


def ratios(cold: Cold, function: str) -> list[float]:
    """Return ours divided by the peer's, for each round."""
    theirs = cold[COMPARED_WITH[function].name][function]
    pairs = zip(cold[OURS.name][function], theirs, strict=True)
    return [ours / peer for ours, peer in pairs]


def _first_answer(
    service: Measured, function: str, playback: Playback, stack: Stack, logs: Path
) -> float:
    event = EVENTS[function](playback)
    log = logs / f"{service.name}-{function}-cold.log"
    began = time.perf_counter()
    with Worker(service, function, stack.environment, log) as worker:
        calls = worker.call([event])
        seconds = time.perf_counter() - began
    check(function, calls, [playback])
    return seconds
