"""Settings of PostgreSQL."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from streaming.config.transport import check_authorities, is_production
from streaming.config.variables import ConfigurationError, Variables, required


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """How to connect to PostgreSQL."""

    url: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``DATABASE_URL``.

        Raises ``ConfigurationError`` if it is missing or repeats a parameter, and in production if
        it has no ``sslmode``.
        """
        url = required(environment, "DATABASE_URL")
        parts = urlsplit(url)
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        if parts.fragment or len(names) != len(set(names)):
            raise ConfigurationError("DATABASE_URL repeats a parameter, or has a #")
        if "sslmode" not in names and is_production(environment):
            raise ConfigurationError("DATABASE_URL has no sslmode: verify-full, or disable by name")
        check_authorities(environment)
        return cls(url=url)
