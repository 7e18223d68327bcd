"""Settings of concurrent streams and of continue watching."""

from dataclasses import dataclass
from typing import Self

from streaming.config.variables import Variables, integer


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The limit of streams for subscriptions that set none; 0 means unlimited."""

    max_streams: int

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``MAX_CONCURRENT_STREAMS``."""
        return cls(max_streams=integer(environment, "MAX_CONCURRENT_STREAMS", 0, 0, 1000))


@dataclass(frozen=True, slots=True)
class WatchingSettings:
    """The least position for continue watching: seconds, or percent of the film if less."""

    min_seconds: int
    min_percent: int

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read the ``CONTINUE_WATCHING_*`` variables."""
        return cls(
            min_seconds=integer(environment, "CONTINUE_WATCHING_MIN_SECONDS", 30, 0, 86400),
            min_percent=integer(environment, "CONTINUE_WATCHING_MIN_PERCENT", 5, 0, 90),
        )
