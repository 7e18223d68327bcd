"""Decompresses objects according to their ``Content-Encoding``.

Browsers decompress responses of S3, so a playlist that was uploaded compressed plays from S3. It
must play from a signed copy, too.
"""

import zlib

from streaming.storage.errors import ObjectTooLarge, ObjectUnreadable

_GZIP = ("gzip", "x-gzip")
_DEFLATE = "deflate"
# Codings that this module cannot decode. Any other name is no coding: aws-chunked describes how an
# object was uploaded, and many clients write a character set (utf-8). Browsers and ffmpeg ignore
# such names.
_UNSUPPORTED = ("br", "zstd", "compress", "x-compress", "dcb", "dcz")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE_LENGTH = 4096


def decoded(body: bytes, content_encoding: str | None, largest: int) -> bytes:
    """Return ``body``, decompressed if it is encoded with gzip or deflate (RFC 9110, 8.4).

    A body that begins like gzip is gzip, also if the header does not say so: no manifest begins
    like that.

    Raises ``ObjectTooLarge`` if the result has more than ``largest`` bytes, and
    ``ObjectUnreadable`` for another encoding, for several encodings and for an invalid body.
    """
    names = [each.strip().lower() for each in (content_encoding or "").split(",")]
    encodings = [name for name in names if name in (*_GZIP, _DEFLATE, *_UNSUPPORTED)]
    if len(encodings) > 1 or (encodings[:1] and encodings[0] in _UNSUPPORTED):
        raise ObjectUnreadable(f"an object is stored as {content_encoding!r}, use gzip or nothing")
    if not encodings and not body.startswith(_GZIP_MAGIC):
        return body
    try:
        return _decompressed(body, largest, is_gzip=encodings != [_DEFLATE])
    except zlib.error as error:
        raise ObjectUnreadable(f"an object stored as {content_encoding!r} is broken") from error


def _decompressed(body: bytes, largest: int, *, is_gzip: bool) -> bytes:
    result = bytearray()
    wbits = _GZIP_OR_ZLIB
    if not is_gzip and not _is_zlib(body):
        wbits = -zlib.MAX_WBITS  # raw deflate, which some servers call deflate
    at = 0
    while at < len(body):
        stream = zlib.decompressobj(wbits)
        while not stream.eof:
            # What follows a member is copied, so that short members need short pieces.
            piece = body[at : at + _PIECE_LENGTH]
            if not piece:
                raise zlib.error("the end is missing")
            result += stream.decompress(piece, largest + 1 - len(result))
            at += len(piece)
            if len(result) > largest:
                raise ObjectTooLarge(f"an object has more than {largest} bytes, decompressed")
        at -= len(stream.unused_data)
        # A gzip file may have several members; other data after a member is padding.
        if not (is_gzip and body.startswith(_GZIP_MAGIC, at)):
            break
    return bytes(result)


def _is_zlib(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 15 == zlib.DEFLATED and not int.from_bytes(body[:2]) % 31
