"""Invokes functions periodically, with the events that EventBridge sends."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from local.gateway.log import log
from local.gateway.model import ACCOUNT_ID, Schedule
from local.gateway.workers import Pools, ThrottledError


def event(schedule: Schedule, region: str, now: datetime) -> Any:
    """Return the event of one run.

    EventBridge Scheduler and the older EventBridge rules send nearly the same event, but ``detail``
    is the string ``{}`` from the former and an empty object from the latter.
    """
    if schedule.input is not None:
        return schedule.input
    service, kind = ("scheduler", "schedule/default") if schedule.scheduler else ("events", "rule")
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": f"aws.{service}",
        "account": ACCOUNT_ID,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:{service}:{region}:{ACCOUNT_ID}:{kind}/{schedule.name}"],
        "detail": "{}" if schedule.scheduler else {},
    }


class Schedules:
    """The running schedules of a service."""

    def __init__(self, schedules: Iterable[Schedule], pools: Pools, region: str) -> None:
        self._schedules = tuple(schedules)
        self._pools = pools
        self._region = region
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Run each schedule now, as EventBridge does for a new rate, and then at its rate."""
        for schedule in self._schedules:
            self._spawn(schedule, repeat=True)

    async def stop(self) -> None:
        """Stop all schedules and the runs in progress."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, schedule: Schedule, *, repeat: bool) -> None:
        work = self._repeat(schedule) if repeat else self._run(schedule)
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repeat(self, schedule: Schedule) -> None:
        """Start a run each period, whether or not the last one has ended, as EventBridge does."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            self._spawn(schedule, repeat=False)
            due += schedule.period
            await asyncio.sleep(due - clock())
            if clock() - due > schedule.period:
                due = clock()  # after the sleep of a laptop, missed runs are not repeated

    async def _run(self, schedule: Schedule) -> None:
        try:
            happening = event(schedule, self._region, datetime.now(UTC))
            result = await self._pools[schedule.function].invoke(happening)
        except ThrottledError:
            log(f"schedule {schedule.name}: throttled")
            return
        if result.failed:
            error = json.loads(result.payload)
            text = f"{error['errorType']}: {error['errorMessage']}"
            log(f"schedule {schedule.name}: {schedule.function} failed: {text}")
