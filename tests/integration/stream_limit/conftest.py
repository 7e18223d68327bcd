"""Subscribers with few streams, and Redis as it was."""

from collections.abc import Iterator

import pytest

from local.stack import Stack
from tests.conftest import set_subscription
from tests.support.functions import Viewer


@pytest.fixture
def couple(stack: Stack, viewer: Viewer) -> Viewer:
    """A subscriber with two streams."""
    set_subscription(stack, viewer.user_id, max_streams=2)
    return viewer


@pytest.fixture
def single(stack: Stack, viewer: Viewer) -> Viewer:
    """A subscriber with one stream."""
    set_subscription(stack, viewer.user_id, max_streams=1)
    return viewer


@pytest.fixture
def redis_back(stack: Stack) -> Iterator[None]:
    """Redis runs again afterwards."""
    yield
    stack.redis.restart()
