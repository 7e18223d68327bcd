"""The bench of judges, which needs Node.js and the parsers that make installs for it."""

from collections.abc import Iterator

import pytest

from tools.corpus.node_judges import NodeJudges, why_missing
from tools.corpus.verdicts import Bench


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Return judges of PyPI and npm; skip where the latter are missing, and say why."""
    missing = why_missing()
    if missing is not None:
        pytest.skip(f"{missing} (make test-judges installs what it needs)")
    with NodeJudges() as node:
        yield Bench(node)
