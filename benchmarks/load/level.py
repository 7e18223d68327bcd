"""One level of load: a number of viewers who arrive, watch and leave in turn."""

import asyncio
from functools import partial
from typing import Any

import httpx

from benchmarks.load.player import Player
from benchmarks.load.samples import Samples
from benchmarks.load.stack import movie_id, user_id
from benchmarks.load.viewer import Plan, watch
from benchmarks.processors import processor_seconds
from local.stack import Stack

CONNECTIONS = 200
# API Gateway answers within 30 s. The wait for a connection of this process is part of the latency.
TIMEOUT = httpx.Timeout(35, pool=None)
# A level whose viewers wait for answers takes longer; in this multiple of its time it must end.
LONGEST = 4
# Less than the gateway keeps a connection, so that no request meets a closed one.
KEEP_ALIVE_SECONDS = 30


async def run(
    stack: Stack, first_user: int, viewers: int, seconds: float, interval: float, idle: float = 0.0
) -> Any:
    """Return the result of a level as plain data.

    Args:
        stack: The running stack.
        first_user: Number of the first user; a user watches one film, in one level.
        viewers: The number of viewers.
        seconds: Duration of the level.
        interval: Seconds between two reports.
        idle: Processors that the stack uses without a call; they do not count.
    """
    samples = Samples()
    limits = httpx.Limits(
        max_connections=CONNECTIONS,
        max_keepalive_connections=CONNECTIONS,
        keepalive_expiry=KEEP_ALIVE_SECONDS,
    )
    tokens = [stack.token(user_id(first_user + number)) for number in range(viewers)]
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(
        base_url=stack.api_url, limits=limits, timeout=TIMEOUT, trust_env=False
    ) as client:
        busy, began = processor_seconds(), loop.time()

        def device(number: int) -> Player:
            return Player(client, tokens[number], movie_id(number), samples)

        try:
            async with asyncio.timeout(LONGEST * seconds), asyncio.TaskGroup() as group:
                for number in range(viewers):
                    arrives = began + number / viewers * seconds / 3
                    plan = Plan(arrives, seconds * 2 / 3, interval)
                    group.create_task(watch(number, plan, partial(device, number)))
        except TimeoutError:
            samples.fail("level", "not finished in time")
        took, busy = loop.time() - began, processor_seconds() - busy
    return {
        "viewers": viewers,
        "seconds": round(took, 1),
        "requests": samples.count,
        "requests_a_second": round(samples.count / took, 1),
        "processor_ms_a_request": round((busy - idle * took) / max(1, samples.count) * 1000, 2),
        "errors": dict(samples.errors),
        "calls": samples.summary(),
    }


async def idle_processors(seconds: float) -> float:
    """Return the processors that a stack without calls uses, measured for some seconds."""
    before = processor_seconds()
    await asyncio.sleep(seconds)
    return (processor_seconds() - before) / seconds
