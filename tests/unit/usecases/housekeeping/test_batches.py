"""Tests when work in batches continues and when it ends."""

from streaming.usecases.housekeeping.batches import Batch, in_batches


class Rows:
    """Waiting rows of two kinds; ``limits`` are the limits of the batches so far."""

    def __init__(self, first: int, second: int) -> None:
        self._left = [first, second]
        self.limits: list[int] = []

    def batch(self, limit: int) -> list[int]:
        """Process at most ``limit`` rows of each kind."""
        self.limits.append(limit)
        processed = [min(limit, left) for left in self._left]
        self._left = [left - now for left, now in zip(self._left, processed, strict=True)]
        return processed


def test_until_no_kind_fills_a_batch() -> None:
    """All rows of all kinds are processed and counted; an incomplete batch is the last."""
    rows = Rows(25, 3)
    batch: Batch = rows.batch

    assert in_batches(batch, 10, 60) == 28
    assert rows.limits == [10, 10, 10]


def test_an_empty_batch_is_the_last() -> None:
    """If rows fill their batches exactly, one more batch finds none."""
    rows = Rows(20, 0)

    assert in_batches(rows.batch, 10, 60) == 20
    assert rows.limits == [10, 10, 10]


def test_no_time() -> None:
    """No batch starts when no time is left."""
    rows = Rows(20, 0)

    assert in_batches(rows.batch, 10, 0) == 0
    assert rows.limits == []
