"""The imports of each function, which dominate its cold start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.no_servers import NO_SERVERS

ROOT = Path(__file__).parents[2]

HEAVY = {
    # docs/decisions/0019-powertools.md
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.parser",
    "boto3",
    "botocore.client",
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
    "authorizer": {"jwt"},
    "start": {"pydantic", "redis", "pg8000", "kafka"},
    "progress": {"pydantic", "redis", "pg8000", "kafka"},
    "get": {"redis", "pg8000"},
    "invalidate": {"redis", "pg8000"},
    "erase": {"redis", "pg8000"},
    "stop": {"pydantic", "redis", "pg8000", "kafka"},
    "docs": set[str](),
    "subscription_changed": {"redis"},
    "housekeeping": {"redis", "pg8000", "kafka"},
    "migrate": {"pg8000"},
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
}


def loaded(code: str, **variables: str) -> set[str]:
    """Run ``code`` in a new interpreter; return the heavy modules that it has loaded."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**NO_SERVERS, **variables, "PYTHONPATH": str(ROOT / "layers/streaming/python")},
        capture_output=True,
        check=True,
        text=True,
    )
    return HEAVY & set(json.loads(run.stdout.splitlines()[-1]))


def importing(function: str) -> str:
    """Return code that imports a function's handler."""
    return f"sys.path.insert(0, {str(ROOT / 'functions' / function)!r}); import app"


@pytest.mark.parametrize("function", LOADED)
def test_at_import(function: str) -> None:
    """Importing a handler loads the clients of its own hot path and no others."""
    assert loaded(importing(function)) == LOADED[function]


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

    assert loaded(code) == {"redis"}
    assert loaded(code, REDIS_CLUSTER="true") == {"redis", "streaming.cache.cluster"}


def test_use_cases_load_no_client() -> None:
    """Importing a use case, as a test with fakes does, loads no client of Kafka or S3."""
    folder = ROOT / "layers/streaming/python"
    modules = [
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in sorted((folder / "streaming/usecases").rglob("*.py"))
        if path.name != "__init__.py"
    ]

    assert not {"kafka", "boto3", "httpx"} & loaded(f"import {', '.join(modules)}")
