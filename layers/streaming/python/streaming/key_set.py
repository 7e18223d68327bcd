"""The public keys of the auth service: a JSON Web Key Set (RFC 7517) behind a URL."""

import time
from typing import Any

import httpx
import jwt
from aws_lambda_powertools.logging import Logger

from streaming.bounded_http import BoundedHttp
from streaming.breaker import Breaker
from streaming.metrics import dependency_failure

logger = Logger(child=True)

_LIFE_SECONDS = 300
_ANSWER_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
# Foreign tokens that name keys at random must not make us ask each time.
_REFRESH_PAUSE_SECONDS = 5.0
# For so long a key is honoured that was known when the auth service was last heard of.
_GRACE_SECONDS = 3600.0


class KeysUnavailable(Exception):
    """The auth service does not answer, and nothing is known from before."""


class KeySet:
    """Finds the key of a token. Keys are read anew when they are old, or one is not among them."""

    def __init__(self, url: str) -> None:
        self._client = _Client(url)

    def key_of(self, token: str) -> jwt.PyJWK:
        """Return the key that ``token`` names.

        Raises ``jwt.PyJWKClientError`` when the auth service has no such key, ``KeysUnavailable``
        when it does not answer, and ``jwt.DecodeError`` for what is no token.
        """
        try:
            return self._client.get_signing_key_from_jwt(token)
        except jwt.PyJWKClientConnectionError as error:
            name = jwt.get_unverified_header(token).get("kid")
            for key in self._client.keys_of_before():
                if key.key_id == name:
                    return key
            raise KeysUnavailable("the auth service's keys cannot be read") from error


class _Client(jwt.PyJWKClient):
    """PyJWT's client, over a connection that is bounded and left alone after a failure."""

    def __init__(self, url: str) -> None:
        super().__init__(url, lifespan=_LIFE_SECONDS, cooldown_duration=_REFRESH_PAUSE_SECONDS)
        self._http = BoundedHttp()
        self._breaker = Breaker(_PAUSE_SECONDS)
        self._heard_at = 0.0
        self._last_answer: dict[str, Any] | None = None

    def keys_of_before(self) -> list[jwt.PyJWK]:
        """Return the keys of the last answer, if that is not too long ago."""
        if self._last_answer is None or time.monotonic() - self._heard_at > _GRACE_SECONDS:
            return []
        return jwt.PyJWKSet.from_dict(self._last_answer).keys

    def fetch_data(self) -> Any:
        """Return the key set. Raises ``jwt.PyJWKClientConnectionError``."""
        if self._breaker.is_open:
            raise jwt.PyJWKClientConnectionError("the auth service did not answer a moment ago")
        try:
            answer = self._http.get(self.uri, _ANSWER_SECONDS)
            answer.raise_for_status()
            keys = self._as_jwk_set_payload(answer.json())
        except (httpx.HTTPError, ValueError, jwt.PyJWKClientError) as error:
            self._breaker.record_failure()
            logger.warning("the keys cannot be read", **dependency_failure("jwks", "read", error))
            raise jwt.PyJWKClientConnectionError("the auth service does not answer") from error
        self._breaker.record_success()
        # PyJWT's own fetch, which this replaces, notes the time for its pause between refreshes.
        self._heard_at = self._last_successful_fetch = time.monotonic()
        self._last_answer = keys
        return keys
