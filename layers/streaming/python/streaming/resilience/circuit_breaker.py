"""A circuit breaker: after a failure, calls to a dependency are skipped for some seconds."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Tracks whether calls to a dependency should be skipped.

    ``pause_seconds`` is how long they are skipped after a failure; ``clock`` returns monotonic
    seconds.
    """

    def __init__(self, pause_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls to the dependency should be skipped."""
        return self._clock() < self._closed_again_at

    def record_failure(self) -> None:
        """Open the breaker for the pause."""
        self._closed_again_at = self._clock() + self._pause_seconds

    def record_success(self) -> None:
        """Close the breaker."""
        self._closed_again_at = 0.0
