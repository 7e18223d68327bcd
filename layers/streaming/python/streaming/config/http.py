"""Settings of the HTTP API."""

from dataclasses import dataclass
from typing import Self

from streaming.config.variables import Variables, flag, listed


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Which origins may call the API, and whether it serves its documentation."""

    cors_allow_origins: tuple[str, ...]
    docs_enabled: bool

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``CORS_ALLOW_ORIGIN``, a comma-separated list, and ``DOCS_ENABLED``."""
        return cls(
            cors_allow_origins=listed(environment, "CORS_ALLOW_ORIGIN") or ("*",),
            docs_enabled=flag(environment, "DOCS_ENABLED", default=True),
        )
