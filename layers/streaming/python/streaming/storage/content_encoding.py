"""Objects that are stored compressed, as their ``Content-Encoding`` says.

Browsers decompress what S3 gives them, so a playlist that was uploaded compressed plays from there.
"""

import zlib

from streaming.storage.errors import ObjectTooLarge, ObjectUnreadable

# aws-chunked tells how an object was uploaded, and some clients leave it there.
_NONE = ("", "identity", "aws-chunked")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_GZIP = ("gzip", "x-gzip")


def decoded(body: bytes, content_encoding: str | None, largest: int) -> bytes:
    """Return ``body`` as it was before it was compressed with gzip or deflate.

    Raises ``ObjectTooLarge`` when that has more than ``largest`` bytes, and ``ObjectUnreadable``
    for another encoding, for several, and for a body that is broken (RFC 9110, 8.4).
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
        wbits = -zlib.MAX_WBITS  # what some servers mean by deflate
    while body:
        stream = zlib.decompressobj(wbits)
        result += stream.decompress(body, largest + 1 - len(result))
        if len(result) > largest:
            raise ObjectTooLarge(f"an object has more than {largest} bytes, decompressed")
        if not stream.eof:
            raise zlib.error("the end is missing")
        # A gzip file may have several members; what follows them is padding.
        body = stream.unused_data if is_gzip and stream.unused_data[:2] == b"\x1f\x8b" else b""
    return result


def _is_zlib(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 15 == zlib.DEFLATED and not int.from_bytes(body[:2]) % 31
