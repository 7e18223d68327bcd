"""Requires TLS in production, except for the servers that ``ALLOW_PLAINTEXT`` lists."""

from pathlib import Path
from urllib.parse import urlsplit

from streaming.config.variables import ConfigurationError, Variables, listed

_MAY_BE_PLAINTEXT = ("key_set", "user_service", "redis", "kafka", "s3")
# Any other value counts as production.
_NO_PRODUCTION = ("local", "dev", "staging", "")


def check_url(environment: Variables, variable: str, url: str, server: str) -> None:
    """Raise ``ConfigurationError`` unless ``url`` is https, or http where that is allowed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{variable} does not begin with https:// or http://, and a host")
    check_tls(environment, variable, server, is_tls=parts.scheme == "https")


def check_tls(environment: Variables, variable: str, server: str, *, is_tls: bool) -> None:
    """Raise ``ConfigurationError`` if production uses plaintext that is not allowed."""
    allowed = listed(environment, "ALLOW_PLAINTEXT")
    if unknown := set(allowed).difference(_MAY_BE_PLAINTEXT):
        raise ConfigurationError(f"ALLOW_PLAINTEXT names {sorted(unknown)}: {_MAY_BE_PLAINTEXT}")
    if not is_tls and is_production(environment) and server not in allowed:
        raise ConfigurationError(
            f"{variable} means plaintext, which ALLOW_PLAINTEXT does not allow for {server}"
        )
    check_authorities(environment)


def check_authorities(environment: Variables) -> None:
    """Raise ``ConfigurationError`` if ``SSL_CERT_FILE`` names no file; OpenSSL ignores that."""
    file = environment.get("SSL_CERT_FILE")
    if file is not None and not Path(file).is_file():
        raise ConfigurationError(f"SSL_CERT_FILE is no file: {file!r}")


def is_production(environment: Variables) -> bool:
    """Return whether ``ENVIRONMENT`` names production."""
    return environment.get("ENVIRONMENT", "").strip().lower() not in _NO_PRODUCTION
