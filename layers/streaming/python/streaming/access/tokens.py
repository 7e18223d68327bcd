"""Verifies JWTs (RFC 7519) of the auth service."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import jwt

from streaming.access.identity import Identity
from streaming.config.rotating_secrets import Rotating
from streaming.config.tokens import TokenSettings
from streaming.domain.errors import TokenExpired, TokenInvalid, TokenMissing
from streaming.domain.identifiers import parse_uuid

if TYPE_CHECKING:
    from streaming.access.jwks import KeySet

_LONGEST_TOKEN = 8 * 1024
# API Gateway caches an authorizer's answer for up to an hour, so a token that becomes valid within
# that time must not be rejected here: it is passed on, and the guard of each call checks it again.
_LONGEST_KEPT_SECONDS = 3600


class KeysUnavailable(Exception):
    """No key is known and none can be read, so no token can be verified: an outage."""


class TokenUndecided(Exception):
    """The token may be signed with a key that is newer than the known keys.

    A retry after some seconds may succeed. Any text that is sent as a token can cause this error,
    so it is not an outage.
    """


class TokenVerifier:
    """Verifies tokens with the one algorithm that the settings name.

    ``source`` provides secrets that may be rotated; if none of the known secrets has signed a
    token, the secrets are read again. ``key_set`` replaces secrets if tokens are signed with
    private keys.
    """

    def __init__(
        self,
        settings: TokenSettings,
        source: Rotating[TokenSettings] | None = None,
        key_set: "KeySet | None" = None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._key_set = key_set

    def verify(self, authorization: str | None, now: datetime) -> Identity:
        """Verify the value of an ``Authorization`` header, and return the caller's identity.

        Raises ``TokenMissing`` without a bearer token, ``TokenExpired`` for an expired token,
        ``TokenUndecided`` if its key may be newer than the known ones, ``KeysUnavailable`` if none
        is known, and ``TokenInvalid`` otherwise.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise TokenMissing("the Authorization header carries no bearer token")
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid("the token is too long or not ASCII")
        return _identity(self._claims(token), now)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            if self._key_set is not None:
                return self._decode(token, self._key_set.key_of(token))
            if self._source is None:
                return self._decode_with_any(token, self._settings.secrets)
            return self._decode_with_newest(token, self._source)
        except jwt.InvalidSignatureError as error:
            raise TokenInvalid("the token's signature is not valid") from error
        except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError, RecursionError) as error:
            raise TokenInvalid("the token is not valid") from error

    def _decode_with_newest(self, token: str, source: Rotating[TokenSettings]) -> dict[str, Any]:
        known_since = source.read_at
        try:
            return self._decode_with_any(token, source.current().secrets)
        except jwt.InvalidSignatureError as error:
            renewed = source.renewed()
            if renewed is not None:
                return self._decode_with_any(token, renewed.secrets)
            if source.read_at == known_since:
                raise TokenUndecided("the token's secret may be new") from error
            raise

    def _decode_with_any(self, token: str, keys: tuple[str, ...]) -> dict[str, Any]:
        refusal = jwt.InvalidSignatureError("there is no key")
        for key in keys:
            try:
                return self._decode(token, key)
            except jwt.InvalidSignatureError as error:
                refusal = error
        raise refusal

    def _decode(self, token: str, key: Any) -> dict[str, Any]:
        # _identity checks the times, after the signature and against the time that it is given.
        return jwt.decode(
            token,
            key,
            algorithms=[self._settings.algorithm],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            options={
                "require": ["exp", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_aud": self._settings.audience is not None,
                "verify_iat": False,
            },
        )


def _identity(claims: dict[str, Any], now: datetime) -> Identity:
    user_id = parse_uuid(claims["sub"])
    if user_id is None:
        raise TokenInvalid("the token's sub is not a UUID")
    expires_at = _moment(claims, "exp")
    not_before = _moment(claims, "nbf") if "nbf" in claims else 0
    if expires_at <= now.timestamp():
        raise TokenExpired("the token has expired")
    if not_before > now.timestamp() + _LONGEST_KEPT_SECONDS:
        raise TokenInvalid("the token is not valid yet")
    role = claims.get("role")
    return Identity(user_id, int(expires_at), role if role == "admin" else "", int(not_before))


def _moment(claims: dict[str, Any], name: str) -> float:
    moment = claims[name]
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        raise TokenInvalid(f"the token's {name} is not a number")
    if not 0 <= moment < 1 << 53:
        raise TokenInvalid(f"the token's {name} is out of range")
    return moment
