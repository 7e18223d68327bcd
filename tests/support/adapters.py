"""What a function is built of, read from its code: settings, secrets and clients.

The composition modules that its ``app.py`` leads to are followed; they alone build adapters.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from streaming.config import settings
from tests.support.templates import ROOT

_PACKAGE = ROOT / "layers/streaming/python"
_COMPOSITION = "streaming.composition"


@dataclass(frozen=True)
class Adapters:
    """Names of settings classes, of variables that name secrets, and of imported modules."""

    settings: frozenset[str]
    secrets: frozenset[str]
    modules: frozenset[str]


@cache
def adapters_of(code: str) -> Adapters:
    """Return what the function in a folder such as ``functions/start/`` is built of."""
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
        settings=frozenset(
            name
            for module, name in imported
            if module == "streaming.config.settings"
            and hasattr(getattr(settings, name), "from_environment")
        ),
        secrets=frozenset(text for text in texts if text.endswith("_SECRET_ARN")),
        modules=frozenset(module for module, _ in imported),
    )


def _imports(tree: ast.Module) -> set[tuple[str, str]]:
    """Return modules with what is imported from them, inside functions too."""
    return {
        (node.module or "", each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
