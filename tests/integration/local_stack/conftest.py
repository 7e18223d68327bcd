"""The servers of a stack without films, with three objects in the bucket."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import Stack

SEGMENT = "movies/a/chunk_00001.ts"
COPY = "playback/1/movies/a/index.m3u8"
ELSEWHERE = "private/report.txt"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the servers on free ports, with three objects in the bucket."""
    with Stack.temporary(tmp_path_factory.mktemp("stack"), gateway=False, films=False) as stack:
        admin = stack.s3.admin_client
        for key in (SEGMENT, COPY, ELSEWHERE):
            admin.put_object(Bucket=stack.s3.bucket, Key=key, Body=b"0123456789")
        yield stack


@pytest.fixture
def signer(stack: Stack) -> Any:
    """Return a client with the key that signs URLs."""
    return stack.s3.client(stack.environment["S3_ACCESS_KEY"], stack.environment["S3_SECRET_KEY"])


@pytest.fixture
def service(stack: Stack) -> Any:
    """Return a client with the permissions of the functions' role in AWS."""
    environment = stack.environment
    return stack.s3.client(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
