"""The part of AWS Signature Version 4 that is common to all services.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An access key of AWS; ``session_token`` belongs to temporary credentials."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if either half is empty: AWS would reject every signature."""
        if not self.access_key or not self.secret_key:
            raise ValueError("a signing key requires both an access key and a secret key")


def scope_of(date: str, region: str, service: str) -> str:
    """Return the credential scope of a derived key; ``date`` is ``YYYYMMDD``."""
    return f"{date}/{region}/{service}/aws4_request"


def derive_key(secret_key: str, scope: str) -> bytes:
    """Return the key that signs the requests of ``scope``: one date, region and service."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
