"""Settings of the user service."""

from dataclasses import dataclass
from typing import Self

from streaming.config.transport import check_url
from streaming.config.variables import Variables, integer, required


@dataclass(frozen=True, slots=True)
class UserServiceSettings:
    """How to call the user service. Times are in seconds."""

    url: str
    timeout: float
    grace: int

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``USER_SERVICE_URL``, ``USER_SERVICE_TIMEOUT``, ``SUBSCRIPTION_GRACE_SECONDS``."""
        url = required(environment, "USER_SERVICE_URL").rstrip("/")
        check_url(environment, "USER_SERVICE_URL", url, "user_service")
        return cls(
            url=url,
            timeout=integer(environment, "USER_SERVICE_TIMEOUT", 5, 1, 20),
            grace=integer(environment, "SUBSCRIPTION_GRACE_SECONDS", 900, 0, 86400),
        )
