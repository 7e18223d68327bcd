"""The servers that histories run against, and how a violation is shown."""

from collections.abc import Iterator

import pytest

from tests.histories.rig import Rig, running_rig


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Servers behind proxies, which die and come back while histories run."""
    with running_rig(tmp_path_factory.mktemp("rig")) as running:
        yield running
