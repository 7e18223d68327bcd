"""Decompresses objects according to their ``Content-Encoding``.

Browsers decompress responses of S3, so a playlist that was uploaded compressed plays from S3. It
must play from a signed copy, too.
"""

import zlib

from streaming.storage.errors import ObjectTooLarge, ObjectUnreadable

# aws-chunked describes how an object was uploaded; some clients leave it in the metadata.
_NONE = ("", "identity", "aws-chunked")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_GZIP = ("gzip", "x-gzip")


def decoded(body: bytes, content_encoding: str | None, largest: int) -> bytes:
    """Return ``body``, decompressed if it is encoded with gzip or deflate (RFC 9110, 8.4).

    Raises ``ObjectTooLarge`` if the result has more than ``largest`` bytes, and
    ``ObjectUnreadable`` for another encoding, for several encodings and for an invalid body.
    """
    names = [each.strip().lower() for each in (content_encoding or "").split(",")]
    encodings = [name for name in names if name not in _NONE]
    if not encodings:
        return body
    if len(encodings) > 1 or encodings[0] not in (*_GZIP, "deflate"):
        raise ObjectUnreadable(f"an object is stored as {content_encoding!r}, use gzip or nothing")
    try:
        return _decompressed(body, largest, is_gzip=encodings[0] in _GZIP)
    except zlib.error as error:
        raise ObjectUnreadable(f"an object stored as {content_encoding!r} is broken") from error


def _decompressed(body: bytes, largest: int, *, is_gzip: bool) -> bytes:
    result = b""
    wbits = _GZIP_OR_ZLIB
    if not is_gzip and not _is_zlib(body):
        wbits = -zlib.MAX_WBITS  # raw deflate, which some servers call deflate
    while body:
        stream = zlib.decompressobj(wbits)
        result += stream.decompress(body, largest + 1 - len(result))
        if len(result) > largest:
            raise ObjectTooLarge(f"an object has more than {largest} bytes, decompressed")
        if not stream.eof:
            raise zlib.error("the end is missing")
        # A gzip file may have several members; other data after a member is padding.
        body = stream.unused_data if is_gzip and stream.unused_data[:2] == b"\x1f\x8b" else b""
    return result


def _is_zlib(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 15 == zlib.DEFLATED and not int.from_bytes(body[:2]) % 31
