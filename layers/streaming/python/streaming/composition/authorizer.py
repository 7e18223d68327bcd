"""Builds what the authorizer needs."""

import os
from functools import cache
from typing import TYPE_CHECKING

from streaming.access.tokens import TokenVerifier
from streaming.composition.secret import rotating
from streaming.config.tokens import TokenSettings

if TYPE_CHECKING:
    from streaming.access.jwks import KeySet


@cache
def token_verifier() -> TokenVerifier:
    """Build the verifier. Raises ``ConfigurationError`` for a weak or missing key."""
    source = rotating(TokenSettings.from_environment, "JWT_SECRET_ARN")
    settings = source.current() if source else TokenSettings.from_environment(os.environ)
    return TokenVerifier(settings, source, _key_set(settings))


def _key_set(settings: TokenSettings) -> "KeySet | None":
    if settings.secrets or not settings.jwks_url:
        return None
    # Tokens signed with a shared secret need no HTTP client.
    from streaming.access.jwks import KeySet

    return KeySet(settings.jwks_url, settings.algorithm)
