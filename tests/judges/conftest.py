"""The independent parsers ("judges"); they need Node.js and the packages that make installs."""

from collections.abc import Iterator

import pytest

from tools.corpus.node_judges import NodeJudges, why_missing
from tools.corpus.verdicts import Bench


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Return the parsers of PyPI and npm; skip if the latter are missing, and give the reason."""
    missing = why_missing()
    if missing is not None:
        pytest.skip(f"{missing} (run make test-judges, which installs it)")
    with NodeJudges() as node:
        yield Bench(node)
