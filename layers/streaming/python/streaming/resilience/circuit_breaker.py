"""A breaker: after a failure, a dependency is left alone for a while."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Says whether a dependency is worth a try.

    ``pause_seconds`` is how long it is left alone after a failure; ``clock`` gives monotonic
    seconds.
    """

    def __init__(self, pause_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the dependency is being left alone."""
        return self._clock() < self._closed_again_at

    def record_failure(self) -> None:
        """Leave the dependency alone from now on for the pause."""
        self._closed_again_at = self._clock() + self._pause_seconds

    def record_success(self) -> None:
        """Use the dependency freely."""
        self._closed_again_at = 0.0
