"""Settings of the HTTP API."""

from dataclasses import dataclass
from typing import Self

from streaming.config.variables import Variables, flag, integer, listed


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Which origins may call the API, whether it serves its documentation, and what it logs.

    One call in ``sampled_calls`` is logged; 0 logs only errors.
    """

    cors_allow_origins: tuple[str, ...]
    docs_enabled: bool
    sampled_calls: int = 0

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``CORS_ALLOW_ORIGIN``, a comma-separated list, ``DOCS_ENABLED`` etc."""
        return cls(
            cors_allow_origins=listed(environment, "CORS_ALLOW_ORIGIN") or ("*",),
            docs_enabled=flag(environment, "DOCS_ENABLED", default=True),
            sampled_calls=integer(environment, "SAMPLED_CALLS", 0, 0, 1_000_000),
        )
