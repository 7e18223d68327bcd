"""Interprets ``sslmode`` and ``sslrootcert`` in the URL of a database.

Stricter than libpq: TLS is either off or verified to the host name, without fallback.
"""

import ssl
from functools import cache
from urllib.parse import parse_qsl

from streaming.config.variables import ConfigurationError
from streaming.resilience.sockets import BoundedTls

_OFF = "disable"
_VERIFIED = ("require", "verify-ca", "verify-full")
_PUBLIC_AUTHORITIES = "system"


def ssl_context(query: str) -> ssl.SSLContext | bool:
    """Return a verifying context, or False for no TLS, according to the ``query`` of a URL.

    pg8000's own True and None do not verify the server. Raises ``ConfigurationError`` for a mode
    that may fall back to plaintext, for an unknown parameter, which may be misspelt, and for one
    that is given twice.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise ConfigurationError("DATABASE_URL repeats a parameter")
    mode = parameters.pop("sslmode", None)
    authorities = parameters.pop("sslrootcert", None)
    if parameters:
        raise ConfigurationError(f"DATABASE_URL has unknown parameters: {sorted(parameters)}")
    if mode in _VERIFIED:
        return _verifying(authorities or _PUBLIC_AUTHORITIES)
    if mode not in (_OFF, None):
        raise ConfigurationError(f"DATABASE_URL's sslmode {mode!r} is none of {(_OFF, *_VERIFIED)}")
    if authorities is not None:
        raise ConfigurationError("DATABASE_URL has an sslrootcert, but no sslmode that uses it")
    return False


@cache
def _verifying(authorities: str) -> ssl.SSLContext:
    """Return a context. Cached, as loading the CA certificates takes longer than a handshake."""
    try:
        context = ssl.create_default_context(
            cafile=None if authorities == _PUBLIC_AUTHORITIES else authorities
        )
    except OSError as error:
        raise ConfigurationError(f"DATABASE_URL's sslrootcert cannot be read: {error}") from error
    context.sslsocket_class = BoundedTls
    return context
