"""Constructs that the oldest supported Python (3.11.0) executes wrongly, and that are forbidden."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("layers", "functions", "local", "tools", "tests", "benchmarks", "infrastructure")
_MODULE = re.compile(r"\bre\b")
# Escaped characters and classes contain no quantifiers; then: an atomic group, or a quantifier
# followed by a plus. CPython before 3.11.5 matches both wrongly (gh-106052).
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_ATOMIC = re.compile(r"\(\?>|[*+?}]\+")


def is_atomic(pattern: str) -> bool:
    """Return whether a regular expression has a possessive quantifier or an atomic group."""
    return _ATOMIC.search(_CLASS.sub("x", _ESCAPED.sub("x", pattern))) is not None


def patterns(code: str) -> Iterator[tuple[int, str]]:
    """Return the line and the text of each string that is used as a regular expression."""
    # Most files do not name the module, and parsing takes long.
    if _MODULE.search(code) is None:
        return
    tree = ast.parse(code)
    assigned = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "re":
            continue
        for part in ast.walk(node):
            texts = assigned.get(part.id) if isinstance(part, ast.Name) else part
            if texts is None:
                continue
            for each in ast.walk(texts):
                if isinstance(each, ast.Constant) and isinstance(each.value, str | bytes):
                    value = each.value
                    text = value.decode("latin-1") if isinstance(value, bytes) else value
                    yield each.lineno, text


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_possessive_quantifier_and_no_atomic_group(folder: str) -> None:
    """No regular expression in the tree fails on an older supported Python."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {pattern}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__) and "node_modules" not in path.parts
        for line, pattern in patterns(path.read_text("utf-8"))
        if is_atomic(pattern)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(?:#(?!E))?+#E", True),
        (r"(?>a|b)", True),
        (r"a{1,3}+", True),
        (r"[a-z]++", True),
        (r"a\++", False),
        (r"[+*]+", False),
        (r"a+?b", False),
        (r"\*+", False),
    ],
)
def test_such_constructs_are_seen(pattern: str, expected: object) -> None:
    """The test above distinguishes such a construct from similar text."""
    assert is_atomic(pattern) is expected
