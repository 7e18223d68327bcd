"""Work that is done batch by batch, each in a transaction of its own."""

import time
from collections.abc import Callable, Sequence

Batch = Callable[[int], Sequence[int]]
"""Processes at most so many rows of each kind; returns how many of each kind it has processed."""


def in_batches(batch: Batch, size: int, budget_seconds: float) -> int:
    """Run batches of ``size`` until none is full; return how many rows they have processed.

    Begins no further batch after ``budget_seconds``; the next run goes on.
    """
    ends_at = time.monotonic() + budget_seconds
    processed = 0
    while time.monotonic() < ends_at:
        counts = batch(size)
        processed += sum(counts)
        if max(counts) < size:
            break
    return processed
