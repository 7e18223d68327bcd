"""Settings of the retention of personal data."""

from dataclasses import dataclass
from typing import Self

from streaming.config.variables import Variables, integer


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """How many days personal data is kept."""

    retention_days: int

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``PERSONAL_DATA_RETENTION_DAYS``."""
        return cls(retention_days=integer(environment, "PERSONAL_DATA_RETENTION_DAYS", 30, 1, 3650))
