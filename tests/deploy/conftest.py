"""The emulated AWS, and the output of `make build` for this machine."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from tests.conftest import Rows
from tests.deploy import deployment
from tests.deploy.deployment import Deployment


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefacts of `make build`, which all workers share, or those in the folder BUILT."""
    if "BUILT" in os.environ:
        return Path(os.environ["BUILT"])
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    finished = folder / "built" / "finished"
    with (folder / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            deployment.build(folder / "built" / "build")
            finished.touch()
    return folder / "built" / "build"


@pytest.fixture(scope="module")
def deployed(
    stack: Stack, built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """The environment dev after its first deployment, shared by the tests of a module."""
    with deployment.deployed(stack, built, tmp_path_factory.mktemp("aws")) as made:
        yield made


@pytest.fixture(scope="module")
def database(deployed: Deployment) -> Iterator[Rows]:
    """Runs a statement against the database of the deployment and returns the rows."""
    opened = Database(DatabaseSettings(deployed.database_url))
    yield lambda statement, **values: opened.run(
        lambda transaction: transaction.rows(statement, **values)
    )
    opened.close()
