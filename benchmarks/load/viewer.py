"""A simulated viewer: starts a film, reports, pauses, moves to another device, stops.

The number of a viewer decides its kind, so that each run does the same calls.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load.player import CallFailedError, Player

# Every second kind does something in the middle of the film.
PAUSES, MOVES, BROWSES, KINDS = 0, 1, 2, 4
# Reports that a paused player leaves out.
PAUSE_REPORTS = 2


@dataclass(frozen=True)
class Plan:
    """When a viewer starts, how long it watches, and how often it reports, in seconds."""

    starts_at: float
    watches: float
    interval: float

    @property
    def step(self) -> int:
        """The seconds of the film between two reports."""
        return math.ceil(self.interval)


async def watch(number: int, plan: Plan, device: Callable[[], Player]) -> None:
    """Watch a film as planned; a failed call, which is counted, ends the viewer."""
    with contextlib.suppress(CallFailedError):
        await _Viewer(number, plan, device).watch()


class _Viewer:
    def __init__(self, number: int, plan: Plan, device: Callable[[], Player]) -> None:
        self._kind = number % KINDS
        self._plan = plan
        self._device = device
        self._player = device()
        self._position = 0
        self._loop = asyncio.get_running_loop()

    async def watch(self) -> None:
        reports = max(1, int(self._plan.watches / self._plan.interval))
        middle = reports // 2
        await self._until(self._plan.starts_at)
        if self._kind == BROWSES:
            await self._player.continue_watching(self._loop.time())
        await self._player.start(self._loop.time(), resumes_at=0)
        for number in range(1, reports):
            paused = self._kind == PAUSES and middle < number <= middle + PAUSE_REPORTS
            due = self._plan.starts_at + number * self._plan.interval
            await self._until(due)
            if not paused:
                self._position += self._plan.step
                await self._player.report(due, self._position)
            if self._kind == MOVES and number == middle:
                await self._move()
        due = self._plan.starts_at + self._plan.watches
        await self._until(due)
        self._position += self._plan.step
        await self._player.stop(due, self._position)
        await self._player.find(self._loop.time(), position=self._position)

    async def _move(self) -> None:
        """Stop on this device and continue on another one, at the same position."""
        await self._player.stop(self._loop.time(), self._position)
        self._player = self._device()
        await self._player.find(self._loop.time(), position=self._position)
        await self._player.start(self._loop.time(), resumes_at=self._position)

    async def _until(self, due: float) -> None:
        await asyncio.sleep(max(0.0, due - self._loop.time()))
