"""Pools of execution environments, one pool per function.

As in Lambda, an environment serves one event at a time, a warm one is reused, and another one is
started if all are busy. Unlike in Lambda, the number is limited: above the limit events wait.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from local.gateway.model import Function
from local.gateway.process import Result, WorkerProcess
from local.gateway.sources import Fingerprint

MAX_ENVIRONMENTS = 8
_ACCOUNT_CONCURRENCY = 1000


class ThrottledError(Exception):
    """The function has reached its reserved concurrency."""


class Pool:
    """The execution environments of one function."""

    def __init__(self, function: Function, cap: int = MAX_ENVIRONMENTS) -> None:
        self.function = function
        self._reserved = _ACCOUNT_CONCURRENCY if function.reserved is None else function.reserved
        self._slots = asyncio.Semaphore(max(1, min(cap, self._reserved)))
        self._running = 0
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._warming: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def sources(self) -> Fingerprint:
        """Return the current state of the function's source files."""
        return Fingerprint(self.function.directories)

    def warm(self) -> asyncio.Task[None]:
        """Start an environment in the background, so that it is ready for the first event."""
        self._warming = asyncio.create_task(self._warm())
        return self._warming

    async def invoke(self, event: Any, request_id: str | None = None) -> Result:
        """Return the function's result for one event.

        Raises:
            ThrottledError: The function has reached its reserved concurrency.
        """
        if self._running >= self._reserved:
            raise ThrottledError(self.function.name)
        self._running += 1
        try:
            async with self._slots:
                worker = await self._acquire()
                if isinstance(worker, Result):
                    return worker
                try:
                    return await worker.invoke(event, request_id or str(uuid.uuid4()))
                finally:
                    self._release(worker)
        finally:
            self._running -= 1

    async def close(self) -> None:
        """End every environment, busy or not."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await asyncio.gather(*(worker.close() for worker in self._all), *self._closing)

    async def _acquire(self) -> WorkerProcess | Result:
        """Return a warm environment with the current sources, else a new one or its init error."""
        if self._warming is not None and not self._warming.done():
            await asyncio.shield(self._warming)
        sources = self.sources()
        while self._idle:
            worker = self._idle.pop()
            if worker.alive and worker.sources == sources:
                return worker
            self._retire(worker)
        return await self._start(sources)

    async def _start(self, sources: Fingerprint) -> WorkerProcess | Result:
        worker = WorkerProcess(self.function, sources)
        error = await worker.start()
        if error is not None:
            return error
        self._all.add(worker)
        return worker

    def _release(self, worker: WorkerProcess) -> None:
        """Keep an environment for the next event, which checks whether its sources are current."""
        if worker.alive:
            self._idle.append(worker)
        else:
            self._all.discard(worker)

    def _retire(self, worker: WorkerProcess) -> None:
        """End an environment whose sources changed, without waiting for its end."""
        self._all.discard(worker)
        if worker.alive:
            task = asyncio.create_task(worker.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _warm(self) -> None:
        worker = await self._start(self.sources())
        if isinstance(worker, WorkerProcess):
            self._idle.append(worker)


class Pools:
    """All functions of the service by name."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._pools = {name: Pool(function) for name, function in functions.items()}

    def __getitem__(self, name: str) -> Pool:
        return self._pools[name]

    def __contains__(self, name: str) -> bool:
        return name in self._pools

    def warm(self, names: Iterable[str]) -> None:
        """Start one environment of each of these functions in the background."""
        for name in names:
            self._pools[name].warm()

    async def close(self) -> None:
        """End every environment of every function."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
