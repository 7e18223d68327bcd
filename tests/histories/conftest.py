"""The servers that histories run against."""

import os
from collections.abc import Iterator

import pytest

from tests.histories.checker import check
from tests.histories.environments import Environments
from tests.histories.evidence import Evidence
from tests.histories.operations import History
from tests.histories.rig import Rig, running_rig


def _seeds(text: str) -> range:
    """Read ``20``, which is from 1 to 20, or ``7-9``."""
    first, _, last = text.rpartition("-")
    return range(int(first or 1), int(last or 0) + 1)


SEEDS = _seeds(os.environ.get("SEEDS", ""))
"""The histories that `make histories` runs; none in `make test`, which has one short one."""

_MOST_TOLD = 5


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Servers behind proxies, which die and come back while histories run."""
    with running_rig(tmp_path_factory.mktemp("rig")) as running:
        yield running


@pytest.fixture(scope="module")
def environments(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Execution environments of the code as it is."""
    log = tmp_path_factory.mktemp("environments") / "environments.log"
    with Environments(rig.variables, log) as running:
        yield running


def assert_kept(history: History, evidence: Evidence) -> None:
    """Assert that every promise was kept; tell in words what was not."""
    violations = check(history, evidence)
    told = "\n\n".join(violation.told(history) for violation in violations[:_MOST_TOLD])
    assert not violations, f"{len(violations)} promises are broken\n\n{told}"
