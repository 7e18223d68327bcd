"""The settings, secrets and clients of a function, derived from its code.

The composition modules that its ``app.py`` imports are followed; only these build adapters.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from tests.support.templates import ROOT

_PACKAGE = ROOT / "layers/streaming/python"
_COMPOSITION = "streaming.composition"


class Settings(Protocol):
    """A class of settings."""

    __name__: str

    def from_environment(self, environment: Mapping[str, str]) -> object:
        """Read the variables."""


@dataclass(frozen=True)
class Adapters:
    """Settings classes by name, names of variables that name secrets, imported modules."""

    settings: Mapping[str, Settings]
    secrets: frozenset[str]
    modules: frozenset[str]


@cache
def adapters_of(code: str) -> Adapters:
    """Return the parts of the function in a folder such as ``functions/start/``."""
    imported: set[tuple[str, str]] = set()
    texts: set[str] = set()
    seen: set[Path] = set()
    waiting = [ROOT / code / "app.py"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        tree = ast.parse(path.read_text("utf-8"))
        own = _imports(tree)
        imported |= own
        if path.name != "app.py":
            texts |= {
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
        waiting += [
            _PACKAGE / (module.replace(".", "/") + ".py")
            for module, _ in own
            if module.startswith((f"{_COMPOSITION}.", "streaming.api.handler"))
        ]
    return Adapters(
        settings={
            name: found
            for module, name in sorted(imported)
            if module.startswith("streaming.config.")
            and hasattr(found := _import(module, name), "from_environment")
        },
        secrets=frozenset(text for text in texts if text.endswith("_SECRET_ARN")),
        modules=frozenset(module for module, _ in imported),
    )


def _import(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _imports(tree: ast.Module) -> set[tuple[str, str]]:
    """Return modules with their imports, including those inside functions."""
    return {
        (node.module or "", each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
