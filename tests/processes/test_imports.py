"""The imports of each function, which dominate its cold start."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

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
LIST_MODULES = """
print(json.dumps({name: getattr(each, "__file__", None) for name, each in sys.modules.items()}))
"""


def modules(code: str, **variables: str) -> dict[str, str | None]:
    """Run ``code`` in a new interpreter; return the files of the modules that it has loaded."""
    script = f"import json, sys\n{code}\n{LIST_MODULES}"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**NO_SERVERS, **variables, "PYTHONPATH": str(ROOT / "layers/streaming/python")},
        capture_output=True,
        check=True,
        text=True,
    )
    found: dict[str, str | None] = json.loads(run.stdout.splitlines()[-1])
    return found


def loaded(code: str, **variables: str) -> set[str]:
    """Run ``code`` in a new interpreter; return the heavy modules that it has loaded."""
    return HEAVY & set(modules(code, **variables))


def importing(function: str) -> str:
    """Return code that imports a function's handler."""
    return f"sys.path.insert(0, {str(ROOT / 'functions' / function)!r}); import app"


def test_every_function_is_listed() -> None:
    """Each function has its heavy modules and its number of modules."""
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert set(LOADED) == set(MOST_MODULES) == functions


@pytest.mark.parametrize("function", MOST_MODULES)
def test_number_of_modules(function: str) -> None:
    """A function loads no more modules, of this package and of others, than listed."""
    part = f"; app.ENVIRONMENT.{PARTS[function]}" if function in PARTS else ""
    found = modules(importing(function) + part)
    own = [name for name in found if name.split(".")[0] == "streaming"]
    others = [name for name, file in found.items() if file and file.startswith(INSTALLED)]

    most_own, most_others = MOST_MODULES[function]
    assert len(own) <= most_own, sorted(own)
    assert len(others) <= most_others, sorted(others)


@pytest.mark.parametrize("function", LOADED)
def test_at_import(function: str) -> None:
    """Importing a handler loads the clients of its own hot path and no others."""
    assert loaded(importing(function)) == LOADED[function]


@pytest.mark.parametrize("function", PARTS)
def test_nothing_is_built(function: str) -> None:
    """Before the first request, as in a snapshot, there is no part, no thread and no connection."""
    checks = (
        "import threading, os; "
        "assert set(vars(app.ENVIRONMENT)) == {'variables'}, vars(app.ENVIRONMENT); "
        "assert threading.active_count() == 1; "
        "files = [os.readlink(f'/proc/self/fd/{each}') for each in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{each}')] if os.path.exists('/proc/self/fd') else []; "
        "assert not [each for each in files if each.startswith('socket:')], files"
    )

    modules(f"{importing(function)}; {checks}")


@pytest.mark.parametrize("function", PARTS)
def test_hot_path(function: str) -> None:
    """Building a handler's use case loads nothing more, and opens no connection."""
    code = f"{importing(function)}; app.ENVIRONMENT.{PARTS[function]}"

    assert loaded(code) == LOADED[function]


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
