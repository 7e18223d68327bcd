"""The public keys of the auth service: a JSON Web Key Set (RFC 7517) that is read from a URL."""

import math
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
from aws_lambda_powertools.logging import Logger

from streaming.access.tokens import KeysUnavailable, TokenUndecided
from streaming.domain.errors import TokenInvalid
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.http_client import HttpClient

logger = Logger(child=True)

LIFE_SECONDS = 300
_ANSWER_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
# Tokens of other issuers, with random key ids, must not cause a request each.
REFRESH_PAUSE_SECONDS = 5.0
# How long keys remain valid after they were last read, if the auth service does not answer.
_GRACE_SECONDS = 3600.0


class KeySet:
    """Finds the key of a token. The keys are read again if they are old or one is missing.

    Keys that do not fit ``algorithm`` are ignored. A key set without a usable key counts as a
    failed read: the known keys are kept. ``clock`` returns monotonic seconds.
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

        Raises ``TokenInvalid`` if the auth service has no such key, ``TokenUndecided`` if the known
        keys lack it and cannot be read again now, ``KeysUnavailable`` if no keys are known, and
        ``jwt.DecodeError`` for a malformed token.
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
            raise TokenUndecided("the token names a key that may be new")
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
    """Return the keys of a set by their ids, None for those that do not fit ``algorithm``.

    Raises ``ValueError`` if no key fits.
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
    """Return the key of one member; None if it is malformed or for another algorithm or use."""
    # RFC 9864 names this algorithm by its curve, Ed25519; RFC 8037 names it EdDSA.
    names = (None, algorithm, "Ed25519") if algorithm == "EdDSA" else (None, algorithm)
    if member.get("use") not in (None, "sig") or member.get("alg") not in names:
        return None
    try:
        checker = jwt.get_algorithm_by_name(algorithm)
        return checker.prepare_key(jwt.PyJWK(member, algorithm).key)
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
        return None
