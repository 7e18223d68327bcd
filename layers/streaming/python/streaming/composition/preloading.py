"""Imports ahead of time what the parts of an execution environment are built of."""

from collections.abc import Iterable
from importlib import import_module


def preload(environment: type, parts: Iterable[str]) -> None:
    """Import what building these properties and methods of ``environment`` imports.

    Nothing is built. The code of a part names the modules that it imports and the other parts that
    it uses. A lambda or a function outside the class has code of its own: what it imports is not
    imported before it is called.
    """
    waiting = list(parts)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.startswith("streaming."):
            import_module(name)
            continue
        part = getattr(environment, name, None)
        code = getattr(getattr(part, "func", part), "__code__", None)
        waiting += code.co_names if code else ()
