"""A film that was never started."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from tests.integration.continue_watching.films import put_film, remove_film


@pytest.fixture
def film(stack: Stack) -> Iterator[UUID]:
    """A film of 12 s that was never started."""
    movie_id = uuid4()
    put_film(stack, movie_id, 12)
    yield movie_id
    remove_film(stack, movie_id)
