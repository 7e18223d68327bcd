"""The modules of the shared package are short."""

from tests.support.functions import ROOT

PACKAGE = ROOT / "layers/streaming/python/streaming"
MOST_LINES = 250


def test_modules_are_short() -> None:
    """No module has more than 250 lines, except those of manifests, whose grammars are long."""
    lines = {
        str(path.relative_to(PACKAGE)): len(path.read_text("utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
        if "manifests" not in path.parts
    }

    assert lines
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
