"""Settings of the reports of what was watched."""

from dataclasses import dataclass
from typing import Self

from streaming.config.variables import Variables, flag


@dataclass(frozen=True, slots=True)
class AnalyticsSettings:
    """Whether the events are read and counted."""

    is_enabled: bool

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``ENABLE_ANALYTICS``."""
        return cls(is_enabled=flag(environment, "ENABLE_ANALYTICS", default=True))
