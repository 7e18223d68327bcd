"""The imports of each function, which dominate its cold start."""

import json
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.no_servers import NO_SERVERS

ROOT = Path(__file__).parents[2]
INSTALLED = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))

HEAVY = {
    # docs/decisions/0019-powertools.md
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.parser",
    "asyncio",
    "boto3",
    "botocore.client",
    "botocore.session",
    "cryptography.x509",
    "httpx",
    "jwt",
    "kafka",
    "pg8000",
    "pydantic",
    "redis",
    "streaming.cache.cluster",
    "streaming.manifests.hls",
}

LOADED = {
    "authorizer": {"jwt", "cryptography.x509"},
    "start": {"pydantic", "redis", "asyncio", "pg8000", "kafka"},
    "progress": {"pydantic", "redis", "asyncio", "pg8000", "kafka"},
    "get": {"redis", "asyncio", "pg8000"},
    "invalidate": {"redis", "asyncio", "pg8000"},
    "erase": {"redis", "asyncio", "pg8000"},
    "stop": {"pydantic", "redis", "asyncio", "pg8000", "kafka"},
    "docs": set[str](),
    "subscription_changed": {"redis", "asyncio"},
    "housekeeping": {"redis", "asyncio", "pg8000", "kafka"},
    "migrate": {"pg8000"},
    "analytics": {"pg8000"},
    "insights": {"pg8000"},
}

# The most modules of this package and of others that a function may have loaded before its first
# request; docs/decisions/0026-cold-starts.md. Raising a number makes every cold start longer.
MOST_MODULES = {
    "analytics": (56, 93),
    "authorizer": (28, 116),
    "start": (107, 350),
    "progress": (85, 350),
    "get": (65, 156),
    "insights": (64, 93),
    "invalidate": (75, 156),
    "erase": (70, 156),
    "stop": (85, 350),
    "docs": (34, 55),
    "subscription_changed": (40, 118),
    "housekeeping": (101, 302),
    "migrate": (42, 93),
}

PARTS = {
    "authorizer": "token_verifier",
    "start": "start_stream",
    "progress": "report_progress",
    "get": "find_progress",
    "stop": "stop_stream",
    "invalidate": "invalidate_film",
    "subscription_changed": "forget_subscriptions",
    "erase": "erase_user",
    "housekeeping": "relay_outbox",
    "analytics": "record_viewing",
    "insights": "report_viewing",
}


# Files of modules, which modules that are built into the interpreter do not have.
MODULES = """
import json, sys
def modules():
    return {name: getattr(each, "__file__", None) for name, each in sys.modules.items()}
"""
# Imports a handler, and then builds its use case.
MEASURE = f"""{MODULES}
sys.path.insert(0, sys.argv[1])
import app
imported = modules()
import os, threading
folder = "/proc/self/fd"
listed = os.listdir(folder) if os.path.exists(folder) else []
files = [f"{{folder}}/{{name}}" for name in listed]
names = [os.readlink(file) for file in files if os.path.exists(file)]
found = {{
    "imported": imported,
    "built": list(vars(app.ENVIRONMENT)) if sys.argv[2] else [],
    "threads": threading.active_count(),
    "sockets": [name for name in names if name.startswith("socket:")],
}}
if sys.argv[2]:
    getattr(app.ENVIRONMENT, sys.argv[2])
print(json.dumps({{**found, "ready": modules()}}))
"""


@dataclass(frozen=True)
class Measured:
    """What a function's process has before its first request, and after its use case is built.

    Args:
        imported: The files of the modules that are loaded after the import of the handler.
        built: The parts of the environment after the import; none if the function has no use case.
        threads: Their number after the import.
        sockets: Open sockets after the import.
        ready: The files of the modules that are loaded after the use case is built.
    """

    imported: dict[str, str | None]
    built: list[str]
    threads: int
    sockets: list[str]
    ready: dict[str, str | None]


@cache
def measured(function: str) -> Measured:
    """Import a function's handler in a new interpreter, and build its use case."""
    folder = str(ROOT / "functions" / function)
    return Measured(**run(MEASURE, folder, PARTS.get(function, "")))


def loaded(code: str, **variables: str) -> set[str]:
    """Run ``code`` in a new interpreter; return the heavy modules that it has loaded."""
    return HEAVY & run(f"{MODULES}\n{code}\nprint(json.dumps(modules()))", **variables).keys()


def run(code: str, *arguments: str, **variables: str) -> dict[str, Any]:
    """Run ``code`` in a new interpreter; return the object that its last line prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**NO_SERVERS, **variables, "PYTHONPATH": str(ROOT / "layers/streaming/python")},
        capture_output=True,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_function_is_listed() -> None:
    """Each function has its heavy modules and its number of modules."""
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert set(LOADED) == set(MOST_MODULES) == functions


@pytest.mark.parametrize("function", MOST_MODULES)
def test_number_of_modules(function: str) -> None:
    """A function loads no more modules, of this package and of others, than listed."""
    found = measured(function).ready
    own = [name for name in found if name.split(".")[0] == "streaming"]
    others = [name for name, file in found.items() if file and file.startswith(INSTALLED)]

    most_own, most_others = MOST_MODULES[function]
    assert len(own) <= most_own, sorted(own)
    assert len(others) <= most_others, sorted(others)


@pytest.mark.parametrize("function", LOADED)
def test_at_import(function: str) -> None:
    """Importing a handler loads the clients of its own hot path and no others."""
    assert HEAVY & measured(function).imported.keys() == LOADED[function]


@pytest.mark.parametrize("function", PARTS)
def test_nothing_is_built(function: str) -> None:
    """Before the first request, as in a snapshot, there is no part, no thread and no connection."""
    found = measured(function)

    assert found.built == ["variables"]
    assert found.threads == 1
    assert found.sockets == []


@pytest.mark.parametrize("function", PARTS)
def test_hot_path(function: str) -> None:
    """Building a handler's use case loads nothing more, and opens no connection."""
    assert HEAVY & measured(function).ready.keys() == LOADED[function]


def test_cluster() -> None:
    """Only with Redis in cluster mode is the cluster client loaded, and no connection is opened."""
    code = (
        "import os; from streaming.composition.environment import Environment; "
        "Environment(os.environ).redis_cache"
    )

    assert loaded(code) == {"redis", "asyncio"}
    of_cluster = {"redis", "asyncio", "streaming.cache.cluster"}
    assert loaded(code, REDIS_CLUSTER="true") == of_cluster


def test_use_cases_load_no_client() -> None:
    """Importing a use case, as a test with fakes does, loads no client of Kafka or S3."""
    folder = ROOT / "layers/streaming/python"
    modules = [
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in sorted((folder / "streaming/usecases").rglob("*.py"))
        if path.name != "__init__.py"
    ]

    assert not {"kafka", "boto3", "httpx"} & loaded(f"import {', '.join(modules)}")
