"""Runs work in batches, each in its own transaction."""

import time
from collections.abc import Callable, Sequence

Batch = Callable[[int], Sequence[int]]
"""Processes up to the given number of rows of each kind; returns the number for each kind."""


def in_batches(batch: Batch, size: int, budget_seconds: float) -> int:
    """Run batches of ``size`` until one is not full; return how many rows were processed.

    Starts no batch after ``budget_seconds``; the next run continues.
    """
    ends_at = time.monotonic() + budget_seconds
    processed = 0
    while time.monotonic() < ends_at:
        counts = batch(size)
        processed += sum(counts)
        if max(counts) < size:
            break
    return processed
