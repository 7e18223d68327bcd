"""The servers of histories, and a history without servers."""

import os
from collections.abc import Iterator

import pytest

from tests.histories.checker import check
from tests.histories.environments import Environments
from tests.histories.evidence import Evidence
from tests.histories.operations import History
from tests.histories.rig import Rig, running_rig
from tests.histories.sequential_history import Tale


def _seeds(text: str) -> range:
    """Read ``20``, which is from 1 to 20, or ``7-9``."""
    first, _, last = text.rpartition("-")
    return range(int(first or 1), int(last or 0) + 1)


SEEDS = _seeds(os.environ.get("SEEDS", ""))
"""The seeds of `make histories`; none in `make test`, which runs one short history."""

_MOST_TOLD = 5


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Servers behind proxies, which are killed and restarted during histories."""
    with running_rig(tmp_path_factory.mktemp("rig")) as running:
        yield running


@pytest.fixture(scope="module")
def environments(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Execution environments of the unmodified code."""
    log = tmp_path_factory.mktemp("environments") / "environments.log"
    with Environments(rig.variables, log, of_some=rig.of_some) as running:
        yield running


@pytest.fixture
def tale() -> Tale:
    """A view of a film: started, reported twice, looked up, stopped."""
    tale = Tale()
    session_id = tale.tell("start").answer["session_id"]
    tale.tell("report", position_seconds=10, session_id=session_id, sequence=1)
    tale.tell("report", position_seconds=20, session_id=session_id, sequence=2)
    tale.tell("get")
    tale.tell("stop", position_seconds=30, session_id=session_id, sequence=3)
    return tale


def assert_kept(history: History, evidence: Evidence) -> None:
    """Assert that every promise was kept; describe each broken one."""
    violations = check(history, evidence)
    told = "\n\n".join(violation.told(history) for violation in violations[:_MOST_TOLD])
    assert not violations, f"{len(violations)} promises are broken\n\n{told}"
