"""Builds what the authorizer needs."""

import os
from functools import cache

from streaming.settings import TokenSettings
from streaming.tokens import TokenVerifier


@cache
def token_verifier() -> TokenVerifier:
    """Build the verifier. Raises ``ConfigurationError`` for a weak or missing key."""
    return TokenVerifier(TokenSettings.from_environment(os.environ))
