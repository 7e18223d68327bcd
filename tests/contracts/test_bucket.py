"""Tests of the objects in a bucket."""

import gzip
import zlib
from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.composition.environment import Environment
from streaming.delivery.publisher import WritableBucket
from streaming.storage.errors import (
    ObjectNameRefused,
    ObjectNotFound,
    ObjectTooLarge,
    ObjectUnreadable,
)
from tests.fakes.bucket import MemoryBucket

LARGEST = 1000


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.server)])
def bucket(request: pytest.FixtureRequest) -> WritableBucket:
    """A bucket in memory, or the film bucket in S3."""
    if request.param == "memory":
        return MemoryBucket()
    stack: Stack = request.getfixturevalue("stack")
    assert stack.s3.bucket
    parts: Environment = request.getfixturevalue("parts")
    return parts.film_bucket


@pytest.fixture
def key() -> str:
    """A key that the functions may write and read."""
    return f"playback/test/movies/{uuid4()}/index.m3u8"


def write(bucket: WritableBucket, key: str, body: bytes, content_encoding: str = "gzip") -> None:
    """Put an object."""
    bucket.write(
        key,
        body,
        content_type="application/vnd.apple.mpegurl",
        content_encoding=content_encoding,
        max_age=60,
    )


def test_what_is_written_is_read(bucket: WritableBucket, key: str) -> None:
    """An object is read as it was before its compression, and a later write replaces it."""
    write(bucket, key, gzip.compress(b"first"))
    write(bucket, key, gzip.compress(b"second"))

    assert bucket.read(key, LARGEST) == b"second"


def test_an_object_that_is_not_there(bucket: WritableBucket, key: str) -> None:
    """A missing object is not found."""
    with pytest.raises(ObjectNotFound):
        bucket.read(f"movies/{uuid4()}/index.m3u8", LARGEST)


def test_an_object_that_is_too_large(bucket: WritableBucket, key: str) -> None:
    """The limit applies to the stored bytes and to what they are decompressed to."""
    write(bucket, key, b"x" * (LARGEST + 1), content_encoding="identity")
    with pytest.raises(ObjectTooLarge):
        bucket.read(key, LARGEST)

    write(bucket, key, gzip.compress(b"x" * (LARGEST + 1)))
    with pytest.raises(ObjectTooLarge):
        bucket.read(key, LARGEST)


def test_an_object_whose_compression_is_broken(bucket: WritableBucket, key: str) -> None:
    """Data that does not match its ``Content-Encoding`` is unreadable."""
    write(bucket, key, b"no gzip")

    with pytest.raises(ObjectUnreadable):
        bucket.read(key, LARGEST)


@pytest.mark.parametrize(
    ("body", "content_encoding"),
    [
        (gzip.compress(b"first"), "identity"),
        (gzip.compress(b"first"), "utf-8"),
        (b"first", "UTF-8"),
        (gzip.compress(b"first"), "gzip, aws-chunked"),
        (gzip.compress(b"fi") + gzip.compress(b"rst"), "gzip"),
        (gzip.compress(b"first") + b"\0\0\0", "X-GZIP"),
        (zlib.compress(b"first"), "deflate"),
        (zlib.compress(b"first", wbits=-15), "deflate"),
    ],
    ids=[
        "identity",
        "a character set",
        "a character set, uncompressed",
        "aws-chunked",
        "two members",
        "padding",
        "deflate",
        "deflate without a header",
    ],
)
def test_an_object_with_another_content_encoding(
    bucket: WritableBucket, key: str, body: bytes, content_encoding: str
) -> None:
    """Names that are no coding are ignored, as in browsers; gzip needs no header."""
    write(bucket, key, body, content_encoding)

    assert bucket.read(key, LARGEST) == b"first"


def test_a_name_that_is_too_long(bucket: WritableBucket, key: str) -> None:
    """S3 refuses to store an object whose name has more than 1,024 bytes."""
    with pytest.raises(ObjectNameRefused):
        write(bucket, key + "x" * 1024, b"")
