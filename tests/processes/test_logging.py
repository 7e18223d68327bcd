"""The output of a function at each log level, in a separate process configured as by Lambda."""

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import boto3
import pytest

from local.gateway.template import read
from tests.support.context import Context
from tests.support.emitted import emitted
from tests.support.functions import ROOT, event
from tests.support.no_servers import NO_SERVERS

# Lambda's client gives the root logger a handler and the function's level before it loads the
# handler. https://github.com/aws/aws-lambda-python-runtime-interface-client
PROGRAM = """
import logging, os
logging.basicConfig(level=os.environ["AWS_LAMBDA_LOG_LEVEL"].replace("WARN", "WARNING"))
from aws_lambda_powertools.logging import Logger
from streaming.observability.logging import service_logger
from streaming.observability.metrics import emit, emit_dependency_failure
service_logger()
child = Logger(child=True)
other = logging.getLogger("botocore.parsers")
for name in ("debug", "info", "warning", "error"):
    getattr(child, name)(f"ours {name}")
    getattr(other, name)(f"theirs {name}")
emit(OutboxAgeSeconds=1)
emit_dependency_failure("redis", "get", ConnectionRefusedError())
"""
# Calls a function while no server responds. The last line represents any further log line.
CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
import app
from streaming.observability.logging import service_logger
from tests.support.context import Context
try:
    app.handler(json.loads(sys.argv[2]), Context())
except Exception:
    pass
service_logger().warning("the call is over")
"""
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]


@cache
def accepted_levels() -> list[str]:
    """Return the levels that Lambda's API accepts."""
    client = boto3.client("lambda", region_name="eu-central-1")
    shape: Any = client.meta.service_model.shape_for("LoggingConfig")
    levels: list[str] = shape.members["ApplicationLogLevel"].enum
    return levels


@cache
def level_in_aws(parameter: str) -> str:
    """Return the variables that Lambda sets for this value of the parameter LogLevel."""
    functions = read(ROOT / "template.yaml", {"LOG_LEVEL": parameter}).functions.values()
    (level,) = {each.environment["AWS_LAMBDA_LOG_LEVEL"] for each in functions}
    return level


@cache
def printed_by(parameter: str) -> tuple[str, str]:
    """Return the function's output and the lines sent to the root logger's handler."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers/streaming/python"),
        "POWERTOOLS_SERVICE_NAME": "streaming-dev",
        "LOG_LEVEL": parameter,
        "AWS_LAMBDA_LOG_LEVEL": level_in_aws(parameter),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize("parameter", LEVELS)
def test_lambda_knows_the_level(parameter: str) -> None:
    """Each value of the parameter LogLevel is one of the levels that Lambda's API accepts."""
    assert level_in_aws(parameter) in accepted_levels()


@pytest.mark.parametrize("parameter", LEVELS)
def test_level_decides_what_is_logged(parameter: str) -> None:
    """The functions log from the level of the parameter LogLevel."""
    printed, _ = printed_by(parameter)

    lines = [json.loads(line) for line in printed.splitlines()]
    logged = [line["level"] for line in lines if "_aws" not in line]
    assert logged == LEVELS[LEVELS.index(parameter) :]


@pytest.mark.parametrize("parameter", LEVELS)
def test_metrics_do_not_depend_on_the_level(parameter: str) -> None:
    """The age of the outbox and failures of dependencies are emitted at every level."""
    printed, _ = printed_by(parameter)

    assert len(emitted(printed, "OutboxAgeSeconds")) == 1
    assert len(emitted(printed, "DependencyFailure")) == 1


@pytest.mark.parametrize("parameter", LEVELS)
def test_packages_do_not_log_requests(parameter: str) -> None:
    """Other packages log only warnings and errors: below that botocore logs secrets."""
    _, others = printed_by(parameter)

    told = [level for level in LEVELS if f"theirs {level.lower()}" in others]
    assert told == [level for level in LEVELS[2:] if LEVELS.index(level) >= LEVELS.index(parameter)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lines_name_the_call(function: str) -> None:
    """Each function's lines have Lambda's request id, and its event is never logged."""
    name = {"get": "get_progress", "insights": "insights_overview"}.get(function, function)
    sent = event(name)
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(ROOT / "functions" / function), json.dumps(sent)],
        env={
            **NO_SERVERS,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'layers/streaming/python'}:{ROOT}",
            "POWERTOOLS_LOGGER_LOG_EVENT": "true",
        },
        check=True,
        capture_output=True,
        text=True,
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    logged = [line for line in lines if "_aws" not in line]
    assert logged[-1]["message"] == "the call is over"
    for line in logged:
        assert line["function_request_id"] == Context.aws_request_id
        assert isinstance(line["message"], str)
    if "requestContext" in sent:
        assert logged[-1]["request_id"] == sent["requestContext"]["requestId"]
    assert "Bearer " not in done.stdout
