"""Builds what the authorizer needs."""

import os
from functools import cache

from streaming.composition.secret import rotating
from streaming.settings import TokenSettings
from streaming.tokens import TokenVerifier


@cache
def token_verifier() -> TokenVerifier:
    """Build the verifier. Raises ``ConfigurationError`` for a weak or missing key."""
    source = rotating(TokenSettings.from_environment, "JWT_SECRET_ARN")
    settings = source.current() if source else TokenSettings.from_environment(os.environ)
    return TokenVerifier(settings, source)
