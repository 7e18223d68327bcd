"""One fault of one or several dependencies, under all calls."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tests.faults.calls import CALLS, Call, Scene
from tests.faults.environment import Answer, Environment, Functions
from tests.faults.faults import Fault
from tests.faults.promises import (
    LOST_NOISE_SECONDS,
    LOST_SECONDS,
    RECOVERY_SECONDS,
    allowed_outcomes,
    allowed_seconds,
    is_promised_to_lose_little,
)
from tests.faults.world import World
from tests.support.proxies import Proxies

# Long enough for an open circuit breaker to allow the next attempt.
_PAUSE_SECONDS = 2.5
_RETRY_SECONDS = 0.1
_MOST_WARM_UPS = 5
_CALM_CALLS = 3
_MOST_RECOVERY_SECONDS = 15.0
# On two cores, concurrent starts of all calls would distort the latencies: each call starts at a
# separate time, with a longer interval if clients have to be loaded first.
_WARM_MOMENT, _COLD_MOMENT, _FIRST_START_MOMENT = 0.05, 0.2, 0.8


@dataclass
class Cell:
    """The results of one call in one environment under one fault. Times are seconds.

    ``calm_seconds`` is its duration without any fault, if measured.
    """

    dependencies: tuple[str, ...]
    fault: Fault
    call: Call
    is_warm: bool
    outcomes: list[str] = field(default_factory=list)
    worst_seconds: float = 0.0
    recovery_seconds: float = 0.0
    calm_seconds: float | None = None
    lost_seconds: float | None = None
    acknowledged: list[Scene] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    too_slow: list[str] = field(default_factory=list)

    def add(self, scene: Scene, answer: Answer) -> None:
        """Record a response during the fault."""
        self.worst_seconds = max(self.worst_seconds, answer.seconds)
        if answer.outcome not in self.outcomes:
            self.outcomes.append(answer.outcome)
        allowed = allowed_outcomes(self.dependencies, self.fault, self.call)
        if answer.outcome not in allowed:
            self.broken.append(f"answered {answer.outcome} instead of {' or '.join(allowed)}")
        if answer.seconds > allowed_seconds(self.dependencies, self.call):
            self.too_slow.append(f"answered after {answer.seconds:.2f} s")
        if answer.status == 503 and not answer.headers.get("retry-after"):
            self.broken.append("503 without Retry-After")
        if answer.is_success:
            self.acknowledged.append(scene)
            if not self.call.judge(scene, answer.body):
                self.broken.append(f"{answer.status} with a wrong answer: {answer.body}")

    def add_later(self, seconds: float) -> None:
        """Record the duration of a response after the fault was detected."""
        if self.calm_seconds is None:
            return
        self.lost_seconds = max(0.0, seconds - self.calm_seconds)
        if self.lost_seconds > LOST_SECONDS + LOST_NOISE_SECONDS:
            self.too_slow.append(f"lost {self.lost_seconds:.2f} s to a known outage")

    def __str__(self) -> str:
        """Return the cell's name."""
        environment = "warm" if self.is_warm else "cold"
        return (
            f"{' + '.join(self.dependencies)}, {self.fault.title}, {environment} {self.call.title}"
        )


def words_of(dependencies: Sequence[str], fault: Fault) -> tuple[str, ...]:
    """Return the names that select the scenario of these dependencies under a fault."""
    group = dependencies if len(dependencies) == 1 else ("all",)
    return (*group, fault.title)


class Scenario:
    """A fault of these dependencies, from healthy environments to their recovery."""

    def __init__(
        self, world: World, functions: Functions, dependencies: Sequence[str], fault: Fault
    ) -> None:
        self._world = world
        self._functions = functions
        self._dependencies = tuple(dependencies)
        self._fault = fault
        self.cells: list[Cell] = []

    @property
    def problems(self) -> list[str]:
        """The broken promises."""
        return [f"{cell}: {text}" for cell in self.cells for text in (*cell.broken, *cell.too_slow)]

    def __str__(self) -> str:
        """Return the scenario's name."""
        return f"{' + '.join(self._dependencies)}: {self._fault.title}"

    @property
    def words(self) -> tuple[str, ...]:
        """The names by which this scenario can be selected."""
        return words_of(self._dependencies, self._fault)

    @property
    def kills(self) -> bool:
        """Whether servers are killed, which affects other scenarios."""
        return self._fault.kills

    async def run(self, all_ready: asyncio.Barrier, one_at_a_time: asyncio.Lock) -> None:
        """Fill the cells.

        Concurrent scenarios share both: ``all_ready`` separates preparations from others'
        measurements, and a call starts with the lock ``one_at_a_time``.
        """
        self.cells = [
            Cell(self._dependencies, self._fault, call, is_warm)
            for call in CALLS
            for is_warm in (True, False)
        ]
        async with AsyncExitStack() as running:
            proxies = running.enter_context(Proxies(self._world.stack))
            variables = proxies.environment
            environments = []
            for cell in self.cells:
                environment = await self._functions.environment(cell.call.function, variables)
                running.callback(environment.close)
                environments.append(environment)
                if cell.is_warm:
                    await self._warm_up(environment, cell)
            scenes = [await self._scenes(cell) for cell in self.cells]
            later = [await self._scene(cell.call) for cell in self.cells]
            await all_ready.wait()
            await self._begin(proxies)
            await asyncio.gather(
                *(
                    self._suffer(*each, one_at_a_time)
                    for each in zip(self.cells, environments, scenes, strict=True)
                )
            )
            await self._end(proxies)
            await asyncio.gather(*map(self._recover, self.cells, environments, later))
            await asyncio.gather(*map(self._check_positions, self.cells))

    async def _warm_up(self, environment: Environment, cell: Cell) -> None:
        for _ in range(_MOST_WARM_UPS):
            answer = await environment.call((await self._scene(cell.call)).event)
            if answer.is_success:
                break
            # Many environments load their clients concurrently here.
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            raise AssertionError(f"without any fault, {cell.call.title} gets {answer}")
        if is_promised_to_lose_little(self._dependencies, self._fault, cell.call):
            events = [(await self._scene(cell.call)).event for _ in range(_CALM_CALLS)]
            cell.calm_seconds = max([(await environment.call(event)).seconds for event in events])

    async def _scenes(self, cell: Cell) -> list[Scene]:
        # The second call of a warm environment comes after its circuit breaker's pause.
        return [await self._scene(cell.call) for _ in range(2 if cell.is_warm else 1)]

    async def _scene(self, call: Call) -> Scene:
        world = self._world
        return await asyncio.to_thread(world.calmly, lambda: call.prepare(world))

    async def _begin(self, proxies: Proxies) -> None:
        for dependency in self._dependencies:
            if self._fault.kills:
                await asyncio.to_thread(getattr(self._world.stack, dependency).kill)
            self._fault.begin(proxies[dependency], dependency)

    async def _end(self, proxies: Proxies) -> None:
        for dependency in self._dependencies:
            server = getattr(self._world.stack, dependency)
            if self._fault.kills:
                await asyncio.to_thread(server.launch)
            proxies[dependency].pass_through()
            if self._fault.kills:
                await asyncio.to_thread(server.await_ready)

    async def _suffer(
        self,
        cell: Cell,
        environment: Environment,
        scenes: list[Scene],
        one_at_a_time: asyncio.Lock,
    ) -> None:
        moment = _WARM_MOMENT if cell.is_warm else _COLD_MOMENT
        if cell.call.is_first_start and not cell.is_warm:
            moment = _FIRST_START_MOMENT
        for number, scene in enumerate(scenes):
            if number == 1:
                await asyncio.sleep(_PAUSE_SECONDS)
            # A difference of hundredths of a second is measurable only without concurrency.
            is_compared = number == 1 and cell.calm_seconds is not None
            async with one_at_a_time:
                answering = asyncio.create_task(environment.call(scene.event))
                await asyncio.wait([answering], timeout=None if is_compared else moment)
            answer = await answering
            cell.add(scene, answer)
            if number == 1:
                cell.add_later(answer.seconds)

    async def _recover(self, cell: Cell, environment: Environment, scene: Scene) -> None:
        ended = time.monotonic()
        while True:
            called = time.monotonic() - ended
            answer = await environment.call(scene.event)
            cell.recovery_seconds = called + answer.seconds
            if answer.is_success and self._is_normal(cell.call, scene):
                break
            if cell.recovery_seconds > _MOST_RECOVERY_SECONDS:
                break
            await asyncio.sleep(_RETRY_SECONDS)
            if answer.is_success:
                # A call that was not acknowledged may be repeated, as players do.
                scene = await self._scene(cell.call)
        if cell.recovery_seconds > RECOVERY_SECONDS:
            cell.too_slow.append(f"back after {cell.recovery_seconds:.1f} s ({answer.outcome})")

    def _is_normal(self, call: Call, scene: Scene) -> bool:
        """Return whether a response succeeded as usual."""
        user_id = scene.viewer.user_id
        if "kafka" in self._dependencies and call.topic is not None:
            return not self._world.waits_in_outbox(user_id)
        if "redis" in self._dependencies and call.position is not None:
            return self._world.is_cached(user_id, scene.movie_id)
        return True

    async def _check_positions(self, cell: Cell) -> None:
        """Check that a look-up returns the acknowledged position of the fault, or a newer one."""
        if cell.call.position is None:
            return
        ends_at = time.monotonic() + RECOVERY_SECONDS
        for scene in cell.acknowledged:
            while (found := await self._position(scene)) < cell.call.position:
                if time.monotonic() > ends_at:
                    cell.broken.append(f"{cell.call.position} was acknowledged, found is {found}")
                    break
                await asyncio.sleep(_RETRY_SECONDS)

    async def _position(self, scene: Scene) -> int:
        def look_up() -> int:
            position: int = scene.viewer.progress(scene.movie_id).json.get("position_seconds", 0)
            return position

        return await asyncio.to_thread(self._world.calmly, look_up)
