"""Objects are decompressed by their Content-Encoding, or by how they begin."""

import gzip
import zlib

import pytest

from streaming.storage.content_encoding import decoded
from streaming.storage.errors import ObjectTooLarge, ObjectUnreadable

TEXT = b"".join(b"#EXTINF:4,\nsegment_%d.ts\n" % number for number in range(5_000))
LARGEST = len(TEXT)


@pytest.mark.parametrize("encoding", [None, "gzip", "x-gzip", "utf-8"])
@pytest.mark.parametrize("padding", [b"", b"\0" * 512])
def test_gzip(encoding: str | None, padding: bytes) -> None:
    """Several members are one object, whatever the header says; padding after them is not."""
    half = LARGEST // 2
    body = gzip.compress(TEXT[:half]) + gzip.compress(b"") + gzip.compress(TEXT[half:])
    assert decoded(body + padding, encoding, LARGEST) == TEXT


@pytest.mark.parametrize("wbits", [zlib.MAX_WBITS, -zlib.MAX_WBITS])
def test_deflate(wbits: int) -> None:
    """Deflate is that of zlib, or without its header."""
    stream = zlib.compressobj(wbits=wbits)
    assert decoded(stream.compress(TEXT) + stream.flush(), "deflate", LARGEST) == TEXT


def test_one_byte_too_many() -> None:
    """An object that is larger than allowed once it is decompressed is refused."""
    with pytest.raises(ObjectTooLarge):
        decoded(gzip.compress(TEXT), "gzip", LARGEST - 1)


@pytest.mark.parametrize("length", [2, 20, 5_000, -1])
def test_truncated(length: int) -> None:
    """An object without its end cannot be read."""
    with pytest.raises(ObjectUnreadable):
        decoded(gzip.compress(TEXT)[:length], "gzip", LARGEST)


def test_many_empty_members() -> None:
    """What follows a member is not copied as a whole for each of them."""
    assert decoded(gzip.compress(b"") * 500_000, None, LARGEST) == b""
