"""The public keys of the auth service: a JSON Web Key Set (RFC 7517) behind a URL."""

import math
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
from aws_lambda_powertools.logging import Logger

from streaming.access.tokens import KeysUnavailable
from streaming.domain.errors import TokenInvalid
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.http_client import HttpClient

logger = Logger(child=True)

LIFE_SECONDS = 300
_ANSWER_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
# Foreign tokens that name keys at random must not make us ask each time.
REFRESH_PAUSE_SECONDS = 5.0
# For so long a key is honoured that was known when the auth service was last heard of.
_GRACE_SECONDS = 3600.0


class KeySet:
    """Finds the key of a token. Keys are read anew when they are old, or one is not among them.

    Keys of other kinds than ``algorithm`` needs are none of ours. An answer without a key that can
    be used is no answer: the keys that are known stay. ``clock`` gives monotonic seconds.
    """

    def __init__(
        self, url: str, algorithm: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._algorithm = algorithm
        self._clock = clock
        self._http = HttpClient()
        self._breaker = CircuitBreaker(_PAUSE_SECONDS, clock)
        self._keys: dict[str, Any] = {}
        self._read_at = -math.inf

    def key_of(self, token: str) -> Any:
        """Return the public key that ``token`` names.

        Raises ``TokenInvalid`` when the auth service has no such key, ``KeysUnavailable`` when it
        does not answer or was asked a moment ago, and ``jwt.DecodeError`` for what is no token.
        """
        header = jwt.get_unverified_header(token)
        name = header.get("kid")
        if header.get("alg") != self._algorithm or not isinstance(name, str):
            raise TokenInvalid("no key of the auth service fits the token")
        if self._age > LIFE_SECONDS and self._read_anew():
            return self._known(name)
        if self._age > _GRACE_SECONDS:
            raise KeysUnavailable("the auth service's keys cannot be read")
        if name not in self._keys and (self._age < REFRESH_PAUSE_SECONDS or not self._read_anew()):
            raise KeysUnavailable("the token names a key that may be new")
        return self._known(name)

    def _known(self, name: str) -> Any:
        key = self._keys.get(name)
        if key is None:
            raise TokenInvalid("no key of the auth service fits the token")
        return key

    @property
    def _age(self) -> float:
        return self._clock() - self._read_at

    def _read_anew(self) -> bool:
        if self._breaker.is_open:
            return False
        try:
            answer = self._http.get(self._url, _ANSWER_SECONDS)
            answer.raise_for_status()
            keys = _keys_by_name(answer.json(), self._algorithm)
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            self._breaker.record_failure()
            logger.warning(
                "the keys cannot be read", **emit_dependency_failure("jwks", "read", error)
            )
            return False
        self._breaker.record_success()
        self._keys, self._read_at = keys, self._clock()
        return True


def _keys_by_name(document: Any, algorithm: str) -> dict[str, Any]:
    """Return the keys of a set by their names, None for those that are not for ``algorithm``.

    Raises ``ValueError`` when no key is.
    """
    members = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, Any] = {}
    for member in members if isinstance(members, list) else []:
        name = member.get("kid") if isinstance(member, dict) else None
        if isinstance(name, str) and keys.get(name) is None:
            keys[name] = _key_of(member, algorithm)
    if all(key is None for key in keys.values()):
        raise ValueError(f"the key set has no key for {algorithm}")
    return keys


def _key_of(member: dict[str, Any], algorithm: str) -> Any:
    """Return the key of one member; None when it is of another kind, for another use or broken."""
    # RFC 9864 calls by the name of its curve what RFC 8037 calls EdDSA.
    names = (None, algorithm, "Ed25519") if algorithm == "EdDSA" else (None, algorithm)
    if member.get("use") not in (None, "sig") or member.get("alg") not in names:
        return None
    try:
        checker = jwt.get_algorithm_by_name(algorithm)
        return checker.prepare_key(jwt.PyJWK(member, algorithm).key)
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
        return None
