"""Settings of the tokens that callers authenticate with."""

from dataclasses import dataclass, field
from typing import Self

from streaming.config.transport import check_url
from streaming.config.variables import ConfigurationError, Variables, listed

_KNOWN_SECRETS = frozenset(
    {
        "your-secret-key-change-in-production",
        "events-are-signed-with-this-and-nothing-else",
    }
)
_SHORTEST_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How tokens are verified. Either ``secrets`` (HS256) or ``jwks_url`` is set."""

    algorithm: str
    secrets: tuple[str, ...] = field(repr=False)
    jwks_url: str | None
    issuer: str | None
    audience: str | None

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read the ``JWT_*`` variables.

        Raises ``ConfigurationError`` for a missing key; in production for a key set over plain
        HTTP; and outside local runs for a secret that is published or shorter than 32 bytes (RFC
        7518 section 3.2).
        """
        algorithm = environment.get("JWT_ALGORITHM") or "HS256"
        settings = cls(
            algorithm=algorithm,
            secrets=listed(environment, "JWT_SECRET_KEY") if algorithm == "HS256" else (),
            jwks_url=environment.get("JWT_JWKS_URL") or None,
            issuer=environment.get("JWT_ISSUER") or None,
            audience=environment.get("JWT_AUDIENCE") or None,
        )
        if algorithm == "HS256":
            _check_secrets(settings.secrets, is_local=environment.get("ENVIRONMENT") == "local")
        elif algorithm not in ("RS256", "ES256", "EdDSA"):
            raise ConfigurationError(f"JWT_ALGORITHM {algorithm!r} is not supported")
        elif not settings.jwks_url:
            raise ConfigurationError(f"JWT_ALGORITHM {algorithm} needs JWT_JWKS_URL")
        else:
            check_url(environment, "JWT_JWKS_URL", settings.jwks_url, "key_set")
        return settings


def _check_secrets(secrets: tuple[str, ...], *, is_local: bool) -> None:
    if not secrets:
        raise ConfigurationError("JWT_ALGORITHM HS256 needs JWT_SECRET_KEY")
    for secret in secrets:
        if is_local:
            continue
        if secret in _KNOWN_SECRETS:
            raise ConfigurationError("JWT_SECRET_KEY is a published example secret")
        if len(secret.encode()) < _SHORTEST_SECRET_BYTES:
            raise ConfigurationError(
                f"JWT_SECRET_KEY is shorter than {_SHORTEST_SECRET_BYTES} bytes"
            )
