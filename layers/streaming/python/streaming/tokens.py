"""Verifies JWTs (RFC 7519) of the auth service."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import jwt

from streaming.errors import TokenExpired, TokenInvalid, TokenMissing
from streaming.identifiers import parse_uuid
from streaming.identity import Identity
from streaming.secrets import Rotating
from streaming.settings import TokenSettings

if TYPE_CHECKING:
    from streaming.key_set import KeySet

_LONGEST_TOKEN = 8 * 1024


class TokenVerifier:
    """Turns a token into an identity, by the one algorithm that the settings name.

    ``source`` is where secrets come from that may be rotated; a token that none of the known ones
    has signed makes it look for new ones. ``key_set`` replaces secrets where tokens are signed with
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
        """Verify the value of an ``Authorization`` header.

        Raises ``TokenMissing`` without a bearer token, ``TokenExpired`` for one that was good once
        and ``TokenInvalid`` for everything else; ``KeysUnavailable`` when nobody can tell.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise TokenMissing("the Authorization header carries no bearer token")
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid("the token is no JWT of ours")
        return _identity(self._claims(token), now)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            try:
                return self._decode_with_any(token, self._keys(token))
            except jwt.InvalidSignatureError:
                renewed = self._source.renewed() if self._source else None
                if renewed is None:
                    raise
                return self._decode_with_any(token, renewed.secrets)
        except jwt.InvalidSignatureError as error:
            raise TokenInvalid("the token was signed by somebody else") from error
        except jwt.PyJWKClientError as error:
            raise TokenInvalid("no key of the auth service fits the token") from error
        except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError, RecursionError) as error:
            raise TokenInvalid("the token is not valid") from error

    def _decode_with_any(self, token: str, keys: tuple[Any, ...]) -> dict[str, Any]:
        refusal = jwt.InvalidSignatureError("there is no key")
        for key in keys:
            try:
                return self._decode(token, key)
            except jwt.InvalidSignatureError as error:
                refusal = error
        raise refusal

    def _keys(self, token: str) -> tuple[Any, ...]:
        if self._key_set is None:
            return (self._source.current() if self._source else self._settings).secrets
        return (self._key_set.key_of(token).key,)

    def _decode(self, token: str, key: Any) -> dict[str, Any]:
        # Expiry is judged by _identity, against the caller's clock and after the signature.
        return jwt.decode(
            token,
            key,
            algorithms=[self._settings.algorithm],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            options={
                "require": ["exp", "sub"],
                "verify_exp": False,
                "verify_aud": self._settings.audience is not None,
                "verify_iat": False,
            },
        )


def _identity(claims: dict[str, Any], now: datetime) -> Identity:
    user_id = parse_uuid(claims["sub"])
    if user_id is None:
        raise TokenInvalid("the token's sub is not a UUID")
    expires_at = claims["exp"]
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        raise TokenInvalid("the token's exp is not a number")
    if not 0 <= expires_at < 1 << 53:
        raise TokenInvalid("the token's exp is out of range")
    if expires_at <= now.timestamp():
        raise TokenExpired("the token has expired")
    role = claims.get("role")
    return Identity(user_id, int(expires_at), role if role == "admin" else "")
