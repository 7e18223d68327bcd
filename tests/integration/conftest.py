"""All tests with real servers give them time, because the machine may be busy."""

import pytest


@pytest.fixture(autouse=True)
def time_for_the_servers(patience: None) -> None:
    """Gives the servers more time than in production, except in tests of the time limits."""
