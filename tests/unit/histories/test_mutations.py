"""The bugs that the histories plant fit the code as it is now."""

from pathlib import Path

import pytest

from tests.histories import mutations
from tests.histories.mutations import Mutation

_ALL = [each for each in vars(mutations).values() if isinstance(each, Mutation)]


@pytest.mark.parametrize("mutation", _ALL, ids=str)
def test_a_bug_has_one_place(mutation: Mutation, tmp_path: Path) -> None:
    """Each text that a planted bug replaces is in exactly one place of the shared package."""
    assert mutation.planted(tmp_path).is_dir()
