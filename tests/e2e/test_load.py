"""The viewers of the load test, over HTTP."""

import asyncio
from uuid import UUID

from benchmarks.load import level
from benchmarks.load.stack import upload_films, user_id
from local.stack import Stack
from tests.conftest import set_subscription

VIEWERS = 4
# On a busy machine the start of an environment may exceed a call's budget, and the answer is 503.
ATTEMPTS = 4


def test_viewers_of_every_kind_watch_without_an_error(stack: Stack) -> None:
    """Viewers who pause, move and browse get only expected answers from the real gateway."""
    upload_films(stack, VIEWERS, segments=10)
    for attempt in range(ATTEMPTS):
        first = attempt * VIEWERS
        for number in range(first, first + VIEWERS):
            set_subscription(stack, UUID(user_id(number)))
        found = asyncio.run(level.run(stack, first, VIEWERS, seconds=9, interval=1))
        if not any("status 503" in error for error in found["errors"]):
            break

    assert found["errors"] == {}
    assert {call: each["count"] for call, each in found["calls"].items()} == {
        "start": 5,
        "progress": 18,
        "get": 5,
        "continue": 1,
        "stop": 5,
    }
