"""Fixtures for use cases whose servers are in memory."""

from uuid import UUID

import pytest

from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film


@pytest.fixture
def world() -> MemoryEnvironment:
    """An execution environment with servers in memory."""
    return MemoryEnvironment()


@pytest.fixture
def viewer(world: MemoryEnvironment) -> MemoryViewer:
    """A subscriber without a limit of streams."""
    return MemoryViewer(world)


@pytest.fixture
def movie_id(world: MemoryEnvironment) -> UUID:
    """A film of 1,000 seconds, in HLS."""
    return add_film(world)
