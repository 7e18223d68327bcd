"""The examples in docstrings."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.support.functions import ROOT

FOLDERS = (ROOT / "layers/streaming/python", ROOT)
PACKAGES = ("streaming", "benchmarks", "local", "tools")


def modules() -> list[str]:
    """Return the names of the modules that have an example."""
    return [
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for folder in FOLDERS
        for package in PACKAGES
        for path in sorted(Path(folder, package).rglob("*.py"))
        if "node_modules" not in path.parts and ">>> " in path.read_text("utf-8")
    ]


@pytest.mark.parametrize("name", modules())
def test_examples(name: str) -> None:
    """Each example gives the result that the docstring shows."""
    failed, attempted = doctest.testmod(importlib.import_module(name))

    assert attempted
    assert failed == 0
