"""Imports in advance the modules that the parts of an execution environment need."""

from collections.abc import Iterable
from importlib import import_module


def preload(environment: type, parts: Iterable[str]) -> None:
    """Import the modules that building these properties and methods of ``environment`` imports.

    Nothing is built. The names in a part's code include the modules that it imports and the other
    parts that it uses. Lambdas, and functions outside the class, have separate code: their imports
    are not made in advance; nor is a module that is imported as a name of its package. Raises
    ``AttributeError`` for a part that does not exist.
    """
    waiting = list(parts)
    for name in waiting:
        getattr(environment, name)
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
