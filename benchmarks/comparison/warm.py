"""The time of warm calls of ours and of the peers, side by side.

Each function runs in a process of its own, and its handler is called directly, as Lambda does. The
services take turns in small blocks, in another order each round, so that load on the machine slows
all of them.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.comparison.services import SERVICES, Calls, Event, Service, Worker
from benchmarks.comparison.viewers import Playback, new_playbacks
from local.stack import Stack

VIEWERS = 20
# On a busy machine a first call may exceed its budget, as in AWS, where the player repeats it.
_MOST_TRIES = 20
_PAUSE_SECONDS = 0.5
REPORTS = 2
CALLS = ("start", "progress", "get", "stop")

Progressed = Callable[[], None]


@dataclass(slots=True)
class Samples:
    """The measured calls of one kind: the nanoseconds of each call, by round.

    ``processor`` are the nanoseconds of the processor for a call, a mean of each round.
    """

    rounds: list[list[int]] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, calls: Calls) -> None:
        """Add the calls of a round."""
        self.rounds.append(calls.nanoseconds)
        self.processor.append(calls.processor_nanoseconds / len(calls.nanoseconds))


Measured = Mapping[str, Mapping[str, Samples]]
"""The samples by service and call."""


def measure(
    stack: Stack, variables: Mapping[str, str], rounds: int, logs: Path, progressed: Progressed
) -> Measured:
    """Measure ``rounds`` of blocks of each service; ``progressed`` is called after each round.

    ``variables`` are the stack's, or those of proxies in front of it. A round that is not measured
    precedes: it opens the connections, publishes the film and fills the caches.
    """
    with ExitStack() as running:
        blocks = [_Blocks(service, stack, variables, logs, running) for service in SERVICES]
        for each in blocks:
            each.warm_up()
        for number in range(rounds):
            turn = number % len(blocks)
            for steps in zip(
                *(each.steps() for each in blocks[turn:] + blocks[:turn]), strict=True
            ):
                for step in steps:
                    step()
            progressed()
    return {each.service.name: each.samples for each in blocks}


class _Blocks:
    """The functions of one service with their viewers."""

    def __init__(
        self,
        service: Service,
        stack: Stack,
        variables: Mapping[str, str],
        logs: Path,
        running: ExitStack,
    ) -> None:
        self.service = service
        self.samples: defaultdict[str, Samples] = defaultdict(Samples)
        self._workers = {
            name: running.enter_context(
                Worker(service, name, variables, logs / f"{service.name}-{name}.log")
            )
            for name in CALLS
        }
        self._playbacks = new_playbacks(stack, VIEWERS)

    def warm_up(self) -> None:
        """Call each function, one call after the other: the first may be slow."""
        for playback in self._playbacks:
            playback.started(self._patiently("start", playback.start).bodies[0])
        for name, event in (
            ("progress", Playback.report),
            ("get", Playback.get),
            ("stop", Playback.stop),
        ):
            for playback in self._playbacks:
                self._patiently(name, partial(event, playback))

    def steps(self) -> Iterator[Callable[[], object]]:
        """Yield the blocks of a round."""
        yield self._start
        for _ in range(REPORTS):
            yield partial(self._measure, "progress", Playback.report)
        yield partial(self._measure, "get", Playback.get)
        yield partial(self._measure, "stop", Playback.stop)

    def _start(self) -> None:
        bodies = self._measure("start", Playback.start)
        for playback, body in zip(self._playbacks, bodies, strict=True):
            playback.started(body)

    def _measure(self, name: str, event: Callable[[Playback], Event]) -> Sequence[Event]:
        calls = self._workers[name].call([event(playback) for playback in self._playbacks])
        self.samples[name].add(calls)
        return calls.bodies

    def _patiently(self, name: str, event: Callable[[], Event]) -> Calls:
        for _ in range(_MOST_TRIES):
            calls = self._workers[name].call([event()])
            if calls.results[0]["statusCode"] == 200:
                break
            # A breaker may be open.
            time.sleep(_PAUSE_SECONDS)
        assert calls.bodies
        return calls
