"""The time of warm calls of ours and of the peers, side by side.

Each function runs in a process of its own, and its handler is called directly, as Lambda does. The
services take turns in small blocks, in another order each round, so that load on the machine slows
all of them.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.comparison.services import SERVICES, Calls, Service, Worker
from benchmarks.comparison.viewers import EVENTS, Playback, check, new_playbacks
from local.stack import Stack

VIEWERS = 20
# On a busy machine a first call may exceed its budget, as in AWS, where the player repeats it.
_MOST_TRIES = 20
_PAUSE_SECONDS = 0.5
CALLS = ("start", "progress", "get", "stop")
ROUND = ("start", "progress", "progress", "get", "stop")

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
            for name in ROUND:
                for each in blocks[turn:] + blocks[:turn]:
                    each.measure(name)
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
        for name in CALLS:
            for playback in self._playbacks:
                self._patiently(name, playback)

    def measure(self, name: str) -> None:
        """Call a function once for each viewer."""
        calls = self._workers[name].call([EVENTS[name](each) for each in self._playbacks])
        check(name, calls, self._playbacks)
        self.samples[name].add(calls)

    def _patiently(self, name: str, playback: Playback) -> None:
        for _ in range(_MOST_TRIES):
            calls = self._workers[name].call([EVENTS[name](playback)])
            if calls.results[0]["statusCode"] == 200:
                break
            # A breaker may be open.
            time.sleep(_PAUSE_SECONDS)
        check(name, calls, [playback])
