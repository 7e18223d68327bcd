"""Presigned S3 GET URLs (AWS Signature Version 4 in the query string), in batches of thousands.

A film of three hours has tens of thousands of URLs to sign, and botocore takes a fraction of a
millisecond for each. Here the values common to a batch (the derived key, the scope, the query
without its signature, the host) are computed once. Each URL then costs one hash of the canonical
request and one HMAC. The URLs are byte for byte those of botocore's ``generate_presigned_url``.

The algorithm is AWS's "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from streaming.domain.films import MANIFEST_NAMES, ManifestType, film_prefix
from streaming.signer.bucket_address import Addressing, bucket_address
from streaming.signer.sigv4 import ALGORITHM, SigningKey, derive_key, scope_of

if TYPE_CHECKING:
    from uuid import UUID

MAX_EXPIRES_IN: Final = 7 * 24 * 3600
"""The longest lifetime, in seconds, that S3 allows for a presigned URL."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9/_.~-]+")
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x1f\x7f\\]")


class S3Signer:
    """Signs GET URLs of one bucket with one key.

    >>> signer = S3Signer(SigningKey("AKIA", "secret"), region="eu-central-1", bucket="vod")
    >>> sign = signer.at(datetime(2026, 1, 1, tzinfo=UTC), 3600)
    >>> sign("movies/m1/index.m3u8").partition("?")[0]
    'https://vod.s3.eu-central-1.amazonaws.com/movies/m1/index.m3u8'
    """

    def __init__(
        self,
        key: SigningKey,
        *,
        region: str,
        bucket: str,
        endpoint_url: str | None = None,
        addressing: Addressing = "virtual",
    ) -> None:
        """Prepare to sign for ``bucket`` at ``endpoint_url``, or at AWS when that is None.

        Raises ``ValueError`` if the bucket has no address there.
        """
        self._key = key
        self._region = region
        self._address = bucket_address(
            bucket, region=region, endpoint_url=endpoint_url, addressing=addressing
        )
        # The derived key depends on the date; the latest one is cached.
        self._derived_key: tuple[str, bytes] = ("", b"")

    @property
    def bucket_url(self) -> str:
        """The unsigned URL that precedes every key, ending in ``/``."""
        return self._address.url

    def at(self, signed_at: datetime, expires_in: int) -> Callable[[str], str]:
        """Return a function that signs object keys, all with the same time and lifetime.

        ``signed_at`` is timezone-aware; ``expires_in`` is in seconds, 1 to ``MAX_EXPIRES_IN``.

        Raises ``ValueError`` for a naive time or a lifetime that S3 would reject. The returned
        function raises ``ValueError`` for an empty key, which would address the bucket.
        """
        if not 1 <= expires_in <= MAX_EXPIRES_IN:
            raise ValueError(f"expires_in must be 1 to {MAX_EXPIRES_IN} seconds, not {expires_in}")
        if signed_at.utcoffset() is None:
            raise ValueError("the time of signing needs a time zone")
        timestamp = signed_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = scope_of(timestamp[:8], self._region, "s3")
        query, canonical_query = self._queries(timestamp, scope, expires_in)
        # The text around the encoded key in the canonical request and in the URL.
        head = f"GET\n{self._address.path}"
        tail = f"\n{canonical_query}\nhost:{self._address.host}\n\nhost\nUNSIGNED-PAYLOAD"
        url_head = self._address.url
        url_tail = f"?{query}&X-Amz-Signature="
        inner, outer = _keyed_hashes(self._key_of(scope))
        inner.update(f"{ALGORITHM}\n{timestamp}\n{scope}\n".encode())
        # Bound to local names, because this closure runs for every segment of a film.
        sha256, is_plain = hashlib.sha256, _PLAIN_KEY.fullmatch
        copy_inner, copy_outer = inner.copy, outer.copy

        def sign(object_key: str) -> str:
            if is_plain(object_key):
                path = object_key
            elif object_key:
                path = quote(object_key, safe="/~")
            else:
                raise ValueError("an object key cannot be empty")
            message = copy_inner()
            message.update(sha256(f"{head}{path}{tail}".encode()).hexdigest().encode())
            signature = copy_outer()
            signature.update(message.digest())
            return f"{url_head}{path}{url_tail}{signature.hexdigest()}"

        return sign

    def generate_signed_url(self, object_key: str, *, expires_in: int, signed_at: datetime) -> str:
        """Return a presigned GET URL of ``object_key``; see ``at`` for arguments and errors."""
        return self.at(signed_at, expires_in)(object_key)

    def get_manifest_url(
        self,
        movie_id: "UUID | str",
        manifest_type: ManifestType,
        *,
        expires_in: int,
        signed_at: datetime,
    ) -> str:
        """Return a presigned URL of the film's own manifest.

        Raises ``ValueError`` for an unknown ``manifest_type`` or an impossible ``movie_id``.
        """
        name = MANIFEST_NAMES.get(manifest_type)
        if name is None:
            raise ValueError(f"not a manifest type: {manifest_type!r}")
        return self.get_segment_url(movie_id, name, expires_in=expires_in, signed_at=signed_at)

    def get_segment_url(
        self, movie_id: "UUID | str", segment: str, *, expires_in: int, signed_at: datetime
    ) -> str:
        """Return a presigned URL of ``segment``, the decoded path of an object of the film.

        Raises ``ValueError`` for a path that could leave the film.
        """
        film = str(movie_id)
        if "/" in film or not _stays_below(film) or not _stays_below(segment):
            raise ValueError(f"no object of a film: {film!r}, {segment!r}")
        return self.generate_signed_url(
            f"{film_prefix(film)}{segment}", expires_in=expires_in, signed_at=signed_at
        )

    def _queries(self, timestamp: str, scope: str, expires_in: int) -> tuple[str, str]:
        """Return the query of the URL, and the sorted query of the canonical request."""
        credential = quote(f"{self._key.access_key}/{scope}", safe="-_.~")
        pairs = [
            f"X-Amz-Algorithm={ALGORITHM}",
            f"X-Amz-Credential={credential}",
            f"X-Amz-Date={timestamp}",
            f"X-Amz-Expires={expires_in}",
            "X-Amz-SignedHeaders=host",
        ]
        if self._key.session_token is not None:
            pairs.append(f"X-Amz-Security-Token={quote(self._key.session_token, safe='-_.~')}")
        return "&".join(pairs), "&".join(sorted(pairs))

    def _key_of(self, scope: str) -> bytes:
        derived_for, derived = self._derived_key
        if derived_for != scope:
            derived = derive_key(self._key.secret_key, scope)
            self._derived_key = (scope, derived)
        return derived


def _keyed_hashes(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Return the inner and outer hash of HMAC-SHA256 (RFC 2104), each updated with its key block.

    Copying them costs half as much as copying an ``hmac.HMAC``. ``key`` must not exceed one block.
    """
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    return inner, outer


def _stays_below(path: str) -> bool:
    return not (
        path.startswith("/")
        or _UNSAFE_IN_PATH.search(path)
        or any(segment in ("", ".", "..") for segment in path.split("/"))
    )
