"""Secrets of one checkout: generated on the first run, stored with the data, never committed."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from local.files import write_privately


def _access_key() -> str:
    return "local" + secrets.token_hex(8)


def _secret() -> str:
    return secrets.token_urlsafe(36)


@dataclass(frozen=True)
class Credentials:
    """Every secret that the local servers and functions share."""

    jwt_secret_key: str = field(default_factory=_secret)
    s3_admin_access_key: str = field(default_factory=_access_key)
    s3_admin_secret_key: str = field(default_factory=_secret)
    s3_service_access_key: str = field(default_factory=_access_key)
    s3_service_secret_key: str = field(default_factory=_secret)
    s3_signer_access_key: str = field(default_factory=_access_key)
    s3_signer_secret_key: str = field(default_factory=_secret)
    postgres_admin_password: str = field(default_factory=_secret)
    postgres_password: str = field(default_factory=_secret)

    @classmethod
    def of(cls, path: Path) -> "Credentials":
        """Load the secrets of a checkout from `path`; generate and store the missing ones."""
        known = json.loads(path.read_text()) if path.exists() else {}
        names = {secret.name for secret in fields(cls)}
        credentials = cls(**{name: value for name, value in known.items() if name in names})
        if asdict(credentials) != known:
            write_privately(path, json.dumps(asdict(credentials), indent=2) + "\n")
        return credentials
