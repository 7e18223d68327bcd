"""A film in the bucket."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from tests.integration.delivery.manifests import TS_FILM, put_manifest


@pytest.fixture
def film(stack: Stack) -> Iterator[UUID]:
    """A new film in the bucket."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, TS_FILM)
    yield movie_id
    stack.s3.admin_client.delete_object(Bucket="vod", Key=f"movies/{movie_id}/index.m3u8")
