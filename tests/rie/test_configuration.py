"""A wrongly configured function reports the error, and does nothing."""

from pathlib import Path

import pytest

from tests.rie.conftest import Launch
from tests.support.functions import ROOT, event
from tools.emulator import RUNTIME_CLIENT

PUBLISHED = "your-secret-key-change-in-production"


def test_published_secret(launch: Launch) -> None:
    """Outside local runs the seed's secret is rejected, at every call, without being shown."""
    environment = launch("authorizer", ENVIRONMENT="prod", JWT_SECRET_KEY=PUBLISHED)

    for calls in (1, 2):
        answer = environment.invoke(event("authorizer"))

        assert answer["errorType"] == "ConfigurationError"
        assert "JWT_SECRET_KEY" in answer["errorMessage"]
        assert environment.log.count('"errorType": "ConfigurationError"') == calls
    assert PUBLISHED not in environment.log
    assert environment.initialisations == 1


@pytest.mark.parametrize(
    ("function", "name", "variable"),
    [
        ("start", "start", "USER_SERVICE_URL"),
        ("progress", "progress", "DATABASE_URL"),
        ("get", "get_progress", "DATABASE_URL"),
        ("stop", "stop", "DATABASE_URL"),
        ("migrate", "migrate", "DATABASE_URL"),
    ],
)
def test_missing_variable(launch: Launch, function: str, name: str, variable: str) -> None:
    """A function without a required setting fails for Lambda, with a log line that names it."""
    environment = launch(function, **{variable: ""})

    for calls in (1, 2):
        answer = environment.invoke(event(name))

        assert answer["errorType"] == "ConfigurationError"
        assert answer["errorMessage"] == f"{variable} is not set"
        assert environment.log.count('"errorType": "ConfigurationError"') == calls


def test_missing_layer(launch: Launch, dependencies_layer: Path, tmp_path: Path) -> None:
    """An environment that cannot be initialised reports the reason, and the next call retries."""
    missing = tmp_path / "layer"
    path = f"{RUNTIME_CLIENT}:{missing}:{dependencies_layer}"
    environment = launch("docs", PYTHONPATH=path)

    answer = environment.invoke(event("docs_health"))

    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'streaming'" in answer["errorMessage"]
    missing.symlink_to(ROOT / "layers/streaming/python")
    assert environment.invoke(event("docs_health"))["statusCode"] == 200
