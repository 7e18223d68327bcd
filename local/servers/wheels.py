"""Locates the programs in the wheels of the development requirements."""

import platform
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from local.errors import LocalError

SUPPORTED = {
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("darwin", "arm64"),
}
DOCKER_WAY = "use Docker instead: docker compose up"


def check_platform() -> None:
    """Raise `LocalError` on a platform for which the wheels have no programs."""
    here = (sys.platform, platform.machine())
    if here not in SUPPORTED:
        known = ", ".join(f"{system} {machine}" for system, machine in sorted(SUPPORTED))
        raise LocalError(
            f"no embedded servers for {here[0]} {here[1]} (only {known}); {DOCKER_WAY}"
        )


def in_package(package: str, pattern: str) -> Path:
    """Return the first file of an installed package that matches `pattern`, without importing it.

    Raises `LocalError` if there is none.
    """
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for program in sorted(Path(folder).glob(pattern)):
            return program
    raise LocalError(f"{package} has no {pattern}: install requirements-dev.txt, or {DOCKER_WAY}")


def in_scripts(program: str) -> Path:
    """Return a program that a wheel installed beside the interpreter.

    Raises `LocalError` if it is missing.
    """
    path = Path(sysconfig.get_path("scripts")) / program
    if not path.is_file():
        raise LocalError(f"{program} is missing: install requirements-dev.txt, or {DOCKER_WAY}")
    return path
