"""What each function imports: a Lambda's cold start is its imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = {"boto3", "botocore.client", "httpx", "jwt", "kafka", "pg8000", "pydantic", "redis", "streaming.manifests.hls"}

AT_IMPORT = {
    "authorizer": set[str](),
    "start": {"pydantic"},
    "progress": {"pydantic"},
    "get": set[str](),
    "stop": {"pydantic"},
    "docs": set[str](),
    "housekeeping": set[str](),
}

ONCE_BUILT = {
    "authorizer": ("token_verifier", {"jwt"}),
    "start": ("start_stream", {"pydantic", "redis", "pg8000", "kafka"}),
    "progress": ("report_progress", {"pydantic", "redis", "pg8000", "kafka"}),
    "get": ("find_progress", {"redis", "pg8000"}),
    "stop": ("stop_stream", {"pydantic", "redis", "pg8000", "kafka"}),
    "housekeeping": ("relay_outbox", {"pg8000", "kafka"}),
}

ENVIRONMENT = {
    "ENVIRONMENT": "local",
    "JWT_SECRET_KEY": "local",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
    "USER_SERVICE_URL": "http://127.0.0.1:9",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "REDIS_PORT": "9",
}


def loaded(code: str) -> set[str]:
    """Run ``code`` in a new interpreter; return which heavy modules it has loaded."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT / "layers/streaming/python")},
        capture_output=True,
        check=True,
        text=True,
    )
    return HEAVY & set(json.loads(run.stdout.splitlines()[-1]))


def importing(function: str) -> str:
    """Return code that imports a function's handler."""
    return f"sys.path.insert(0, {str(ROOT / 'functions' / function)!r}); import app"


@pytest.mark.parametrize("function", AT_IMPORT)
def test_at_import(function: str) -> None:
    """Importing a handler loads no client."""
    assert loaded(importing(function)) == AT_IMPORT[function]


@pytest.mark.parametrize("function", ONCE_BUILT)
def test_hot_path(function: str) -> None:
    """A function's hot path loads its own clients and no other, and connects to nothing."""
    use_case, modules = ONCE_BUILT[function]

    code = f"{importing(function)}; from streaming import composition; composition.{use_case}()"

    assert loaded(code) == modules
