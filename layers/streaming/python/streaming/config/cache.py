"""Settings of Redis."""

from dataclasses import dataclass, field
from typing import Self

from streaming.config.transport import check_tls
from streaming.config.variables import Variables, flag, integer


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How to connect to Redis, and how long values are cached. Times are in seconds."""

    host: str
    port: int
    progress_ttl: int
    subscription_ttl: int
    is_tls: bool = False
    username: str | None = None
    password: str | None = field(repr=False, default=None)
    is_cluster: bool = False

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read the ``REDIS_*`` variables."""
        is_tls = flag(environment, "REDIS_TLS", default=False)
        check_tls(environment, "REDIS_TLS", "redis", is_tls=is_tls)
        return cls(
            host=environment.get("REDIS_HOST") or "localhost",
            port=integer(environment, "REDIS_PORT", 6379, 1, 65535),
            progress_ttl=integer(environment, "REDIS_PROGRESS_TTL", 86400, 1, 31536000),
            subscription_ttl=integer(environment, "REDIS_SUBSCRIPTION_CACHE_TTL", 300, 1, 86400),
            is_tls=is_tls,
            username=environment.get("REDIS_USERNAME") or None,
            password=environment.get("REDIS_PASSWORD") or None,
            is_cluster=flag(environment, "REDIS_CLUSTER", default=False),
        )
