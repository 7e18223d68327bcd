"""The output of `sam build`: for the right target, with the locked packages, and nothing else."""

import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ROOT / "layers"
# The machine field of an ELF header.
MACHINES = {"arm64": 183, "x86_64": 62}
UNCHECKED_HASH = 1
HOST = f"{sys.version_info.major}.{sys.version_info.minor}"
SHARED_LIBRARY = re.compile(r"\.(cpython-313-[a-z0-9_]+-linux-gnu|abi3|cpython-313)\.so$|\.libs/")

Build = Callable[[str], Path]

# Runs in a separate process, which sees the layers and the function and nothing of this checkout.
IMPORT_ALL = """
import importlib.util, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/app.py")):
    specification = importlib.util.spec_from_file_location(path.parent.name, path)
    specification.loader.exec_module(importlib.util.module_from_spec(specification))
import streaming, boto3
root = pathlib.Path(streaming.__file__).parent
for path in root.rglob("[a-z]*.py"):
    importlib.import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))
for name in ("s3", "secretsmanager", "sts"):
    boto3.client(name, region_name="eu-central-1")
import httpx, jwt.algorithms, kafka, pg8000.dbapi, redis
assert jwt.algorithms.has_crypto
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds everything for an architecture, once."""

    @cache
    def built(architecture: str) -> Path:
        folder = tmp_path_factory.mktemp(architecture)
        make("build", ARCHITECTURE=architecture, BUILD=str(folder))
        return folder

    return built


def make(target: str, *, folder: Path = ROOT, **variables: str) -> str:
    """Run make, and return its output."""
    given = [f"{name}={value}" for name, value in variables.items()]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    completed = subprocess.run(
        ["make", "-C", str(folder), target, *given],
        env={**os.environ, "PATH": path, "MAKEFLAGS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if completed.returncode != 0:
        raise RuntimeError(completed.stdout)
    return completed.stdout


def build_layer(name: str, source: Path, artifacts: Path, **variables: str) -> str:
    """Build one layer as `sam build` calls its makefile."""
    folder = {"DependenciesLayer": "dependencies", "StreamingLayer": "streaming"}[name]
    artifacts.mkdir()
    variables["ARTIFACTS_DIR"] = str(artifacts)
    return make(f"build-{name}", folder=source / folder, **variables)


@pytest.mark.parametrize("architecture", MACHINES)
def test_machine_code_is_for_the_target(build: Build, architecture: str) -> None:
    """Every shared library is for the requested architecture, and for CPython 3.13."""
    libraries = [path for path in build(architecture).rglob("*.so*") if path.is_file()]

    assert len(libraries) >= 3
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == MACHINES[architecture], library
        assert SHARED_LIBRARY.search(str(library)), library


@pytest.mark.parametrize("architecture", MACHINES)
def test_byte_code_is_for_the_target(build: Build, architecture: str) -> None:
    """Byte code is CPython 3.13's and is not compared with its source; or there is none."""
    for code in build(architecture).rglob("*.pyc"):
        assert code.suffixes[-2:] == [".cpython-313", ".pyc"]
        assert int.from_bytes(code.read_bytes()[4:8], "little") == UNCHECKED_HASH


@pytest.mark.parametrize("architecture", MACHINES)
def test_all_locked_packages_and_nothing_else(build: Build, architecture: str) -> None:
    """The layer has each locked version with its licence, without tests or programs."""
    packages = build(architecture) / "DependenciesLayer" / "python"
    locked = {
        match[1]: match[2]
        for match in re.finditer(
            # A marker with a version is for Python versions older than the target.
            r"(?m)^([a-z0-9-]+)==(\S+)(?! ; python_full_version)",
            (LAYERS / "dependencies" / "requirements.txt").read_text(),
        )
        if match[1] != "async-timeout"
    }
    installed = {}
    for record in packages.glob("*.dist-info"):
        name, _, version = record.stem.rpartition("-")
        installed[name.replace("_", "-")] = version
        assert (record / "METADATA").is_file()
        found = [
            path for path in record.rglob("*") if "licen" in str(path.relative_to(record)).lower()
        ]
        assert found or record.stem.startswith(("redis", "types")), record

    assert installed == locked
    assert not (packages / "bin").exists()
    assert not [path for path in packages.rglob("test*") if path.name in {"test", "tests"}]


@pytest.mark.parametrize("architecture", MACHINES)
def test_our_package_is_whole(build: Build, architecture: str) -> None:
    """The streaming layer has every module and data file of the package, and no temporary files."""
    built = build(architecture) / "StreamingLayer" / "python"
    source = LAYERS / "streaming" / "python" / "streaming"

    def files(folder: Path) -> set[Path]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path for path in found if "__pycache__" not in path.parts}

    assert [path.name for path in built.iterdir()] == ["streaming"]
    assert files(built / "streaming") == files(source)


def test_the_functions_hold_their_handler_only(build: Build) -> None:
    """SAM packages the functions unchanged, and no function contains more than it needs."""
    template = (build("arm64") / "template.yaml").read_text()
    folders = [
        ROOT / "functions" / name for name in re.findall(r"CodeUri: \S*/functions/(\w+)", template)
    ]

    assert {folder.name for folder in folders} == {path.name for path in ROOT.glob("functions/*")}
    for folder in folders:
        names = {path.name for path in folder.iterdir()} - {"__pycache__"}
        assert names == {"app.py"} | ({"openapi.json", "swagger-ui"} & names), folder


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="no such Lambda")
def test_what_was_built_runs(tmp_path: Path) -> None:
    """Built for this machine, the layers alone suffice for every function and its adapters."""
    architecture = "arm64" if platform.machine() == "aarch64" else "x86_64"
    layers = {name: tmp_path / name for name in ("DependenciesLayer", "StreamingLayer")}
    for name, artifacts in layers.items():
        build_layer(name, LAYERS, artifacts, RUNTIME_VERSION=HOST, ARCHITECTURE=architecture)

    # Not the virtual environment's Python, which has the packages.
    python = f"{sysconfig.get_config_var('BINDIR')}/python{HOST}"
    path = ":".join(str(artifacts / "python") for artifacts in layers.values())
    subprocess.run(
        [python, "-S", "-c", IMPORT_ALL, str(ROOT / "functions")],
        env={"PYTHONPATH": path, "POWERTOOLS_SERVICE_NAME": "streaming"},
        cwd=tmp_path,
        check=True,
    )


@pytest.mark.parametrize("architecture", MACHINES)
def test_a_wrong_hash_fails_the_build(tmp_path: Path, architecture: str) -> None:
    """A package that differs from the locked one by a byte is not installed into a layer."""
    layers = tmp_path / "layers"
    layers.mkdir()
    (layers / "target.mk").write_text((LAYERS / "target.mk").read_text())
    (layers / "dependencies").mkdir()
    for name in ("Makefile", "requirements.txt"):
        text = (LAYERS / "dependencies" / name).read_text()
        head, found, tail = text.partition("cryptography==")
        tail = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", tail) if found else tail
        (layers / "dependencies" / name).write_text(head + found + tail)

    with pytest.raises(RuntimeError, match=r"(?i)hash"):
        build_layer("DependenciesLayer", layers, tmp_path / "out", ARCHITECTURE=architecture)


def test_without_the_targets_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without the target's Python the build reports it and writes no byte code."""
    monkeypatch.setenv("HOME", str(tmp_path))

    printed = build_layer("StreamingLayer", LAYERS, tmp_path / "out", RUNTIME_VERSION="3.99")

    assert "no byte code" in printed
    assert not list(tmp_path.rglob("*.pyc"))
