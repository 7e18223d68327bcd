"""Runs the chores of a background function, independently and each with a share of the time."""

import time
from collections.abc import Callable, Mapping

from aws_lambda_powertools.logging import Logger

from streaming.observability.metrics import emit
from streaming.resilience.deadline import within

logger = Logger(child=True)

Chore = Callable[[float], dict[str, int]]
"""Starts work for the given seconds, finishes it soon after, and returns counts of it by name."""

# A relay's last batch waits for Kafka, and then for the database.
_WINDING_UP_SECONDS = 2.5


class ChoresFailed(Exception):
    """At least one chore failed; the log contains the errors."""


def run(chores: Mapping[str, Chore], seconds: float) -> dict[str, int]:
    """Run ``chores`` in order within ``seconds``; return their merged counts.

    The remaining time is divided equally among the remaining chores. Raises ``ChoresFailed`` after
    the last one if any has failed.
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
