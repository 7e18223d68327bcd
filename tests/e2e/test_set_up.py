"""`make setup` after an interruption, without Python, and without Debian's venv package.

A shell script replaces Python, so the tests install nothing: they prove the order of the steps and
the messages.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "make", "rm", "touch", "test", "mkdir", "cat", "chmod", "awk", "cp")

# Responds to the Makefile's calls of Python. The environment that it creates contains the same
# script as its Python and, as uv, a script that fails in the middle of the first installation.
PYTHON = """#!/bin/sh
case "$*" in
    *"print("*) echo 3.11 ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$STAND_INS/uv" "$3/bin/uv" ;;
    *ensurepip*) test -z "$WITHOUT_VENV" ;;
esac
"""
UV = """#!/bin/sh
environment="${0%/bin/uv}"
test ! -e "$environment/half-a-package" || exit 1
if [ ! -e "$STAND_INS/interrupted" ]; then
    touch "$environment/half-a-package" "$STAND_INS/interrupted"
    kill -KILL "$PPID"
fi
touch "$environment/whole-package"
"""


class Machine:
    """A checkout's Makefile, with a PATH that contains only a minimal system's commands."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "a check out"
        self.stand_ins = folder / "stand-ins"
        self.programs = folder / "bin"
        for path in (self.checkout / "tools" / "requirements", self.stand_ins, self.programs):
            path.mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", self.checkout)
        for name in ("requirements-dev.txt", "tools/requirements/uv.txt"):
            (self.checkout / name).touch()
        for name in TOOLS:
            program = shutil.which(name)
            assert program is not None
            (self.programs / name).symlink_to(program)
        write_program(self.stand_ins / "uv", UV)

    def has_python(self, name: str) -> None:
        """Put a Python of this name on the PATH."""
        write_program(self.programs / name, PYTHON)

    def make(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run make in a new session, as a terminal does."""
        return subprocess.run(
            ["make", *arguments],
            cwd=self.checkout,
            env={
                "PATH": str(self.programs),
                "HOME": str(self.checkout),
                "STAND_INS": str(self.stand_ins),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine without any Python."""
    return Machine(tmp_path)


def write_program(path: Path, text: str) -> None:
    """Write an executable script."""
    path.write_text(text)
    path.chmod(0o755)


def test_an_interrupted_set_up_is_made_anew(machine: Machine) -> None:
    """After a kill during the installation the next set-up starts from scratch."""
    machine.has_python("python3")

    assert machine.make("setup").returncode != 0
    again = machine.make("setup")

    assert again.returncode == 0, again.stderr
    assert sorted(p.name for p in (machine.checkout / ".venv/3.11").iterdir()) == [
        ".installed",
        "bin",
        "whole-package",
    ]


def test_the_python_that_is_there_is_taken(machine: Machine) -> None:
    """If only python3.13 exists, it is used, and named."""
    machine.has_python("python3.13")
    machine.stand_ins.joinpath("interrupted").touch()

    done = machine.make("setup")

    assert done.returncode == 0, done.stderr
    assert "with python3.13" in done.stdout


def test_without_python_a_sentence_says_what_is_needed(machine: Machine) -> None:
    """Without any Python the commands can still be listed, and set-up names the requirement."""
    listed, failed = machine.make("help"), machine.make("setup")

    assert (listed.returncode, listed.stderr) == (0, "")
    assert "make run" in listed.stdout
    assert failed.returncode != 0
    assert failed.stderr.splitlines()[0].startswith("error: Python 3.11 or newer is needed")


def test_without_debians_venv_package_a_sentence_names_it(machine: Machine) -> None:
    """For a Python that cannot create environments the message contains the command to fix it."""
    machine.has_python("python3")

    failed = machine.make("setup", WITHOUT_VENV="1")

    assert failed.returncode != 0
    assert "apt install python3-venv" in failed.stderr.splitlines()[0]
