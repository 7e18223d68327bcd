"""The settings, secrets and clients of a function, derived from its code.

The parts of the environment that its ``app.py`` uses are followed to the parts that these use; they
alone build adapters.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from tests.support.templates import ROOT

_COMPOSITION = ROOT / "layers/streaming/python/streaming/composition"


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
    app = ast.parse((ROOT / code / "app.py").read_text("utf-8"))
    parts = _parts()
    used: list[ast.AST] = [app]
    seen: set[str] = set()
    # The boundary uses it.
    waiting = [*_names(app), *(["http_settings"] if "http_handler" in ast.unparse(app) else [])]
    while waiting:
        name = waiting.pop()
        if name in parts and name not in seen:
            seen.add(name)
            used.append(parts[name])
            waiting += _names(parts[name])
    imported = {each for tree in used for each in _imports(tree)}
    return Adapters(
        settings={
            name: found
            for module, name in sorted(imported)
            if module.startswith("streaming.config.")
            and hasattr(found := _import(module, name), "from_environment")
        },
        secrets=frozenset(
            node.value
            for tree in used
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.endswith("_SECRET_ARN")
        ),
        modules=frozenset(module for module, _ in imported),
    )


@cache
def _parts() -> dict[str, ast.FunctionDef]:
    """Return the code of all functions and methods of the composition by their names."""
    trees = [ast.parse(path.read_text("utf-8")) for path in _COMPOSITION.glob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}


def _import(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that code uses, of attributes too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def _imports(tree: ast.AST) -> set[tuple[str, str]]:
    """Return modules with their imports, including those inside functions."""
    return {
        (node.module or "", each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
