"""The chores of a background function: each has its share of the time, none depends on another."""

import time
from collections.abc import Callable, Mapping

from aws_lambda_powertools.logging import Logger

from streaming.observability.metrics import emit
from streaming.resilience.deadline import within

logger = Logger(child=True)

Chore = Callable[[float], dict[str, int]]
"""Works for so many seconds, finishes what it has begun soon after, and tells what it did."""

# A relay that has begun a batch waits for Kafka, and then for the database.
_WINDING_UP_SECONDS = 2.5


class ChoresFailed(Exception):
    """One chore or several failed; the log says why."""


def run(chores: Mapping[str, Chore], seconds: float) -> dict[str, int]:
    """Do each of ``chores``, in order, in ``seconds`` altogether; return what was done.

    A chore gets an equal part of the time that those before it have left. Raises ``ChoresFailed``
    after the last one if any has failed.
    """
    ends_at = time.monotonic() + seconds
    done: dict[str, int] = {}
    failed: list[str] = []
    for position, (name, chore) in enumerate(chores.items()):
        share = (ends_at - time.monotonic()) / (len(chores) - position)
        try:
            with within(share):
                done |= chore(max(share / 2, share - _WINDING_UP_SECONDS))
        except Exception:
            emit(ChoreFailures=1)
            logger.exception("a chore failed", chore=name)
            failed.append(name)
    logger.info("the chores are done", done=done)
    if failed:
        raise ChoresFailed(f"these chores failed: {', '.join(failed)}")
    return done
