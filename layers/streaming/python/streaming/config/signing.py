"""Settings of the key that signs URLs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from streaming.config.variables import ConfigurationError, Variables, integer, required
from streaming.domain import clock

# AWS STS issues no session shorter than this, and none longer than 12 hours.
_SHORTEST_SESSION = timedelta(seconds=900)


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """The key that signs URLs.

    ``expires_at`` is the expiry of a temporary key, if known. Otherwise it is used for
    ``session_life`` from its first use.
    """

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    expires_at: datetime | None
    session_life: timedelta = _SHORTEST_SESSION

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``S3_ACCESS_KEY`` and ``S3_SECRET_KEY``, else the function's own credentials.

        ``SIGNING_SESSION_SECONDS`` is how long temporary credentials of unknown expiry are used.

        A role's credentials are temporary, and a URL expires with the credentials that signed it.
        """
        if environment.get("S3_ACCESS_KEY"):
            prefix, key, token = "S3_", "S3_ACCESS_KEY", "S3_SESSION_TOKEN"
        else:
            prefix, key, token = "AWS_", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"
        secret = "S3_SECRET_KEY" if prefix == "S3_" else "AWS_SECRET_ACCESS_KEY"
        expires_at = environment.get(f"{prefix}CREDENTIAL_EXPIRATION")
        try:
            parsed = clock.parse_iso(expires_at) if expires_at else None
        except ValueError:
            raise ConfigurationError(f"{prefix}CREDENTIAL_EXPIRATION is not a time") from None
        return cls(
            access_key=required(environment, key),
            secret_key=required(environment, secret),
            session_token=environment.get(token) or None,
            expires_at=parsed,
            session_life=timedelta(
                seconds=integer(environment, "SIGNING_SESSION_SECONDS", 900, 900, 43200)
            ),
        )
