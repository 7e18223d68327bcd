"""Settings of how long personal data is kept."""

from dataclasses import dataclass
from typing import Self

from streaming.config.variables import Variables, integer


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """For how many days personal data is kept."""

    retention_days: int

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``PERSONAL_DATA_RETENTION_DAYS``."""
        return cls(retention_days=integer(environment, "PERSONAL_DATA_RETENTION_DAYS", 30, 1, 3650))
