"""What a function logs at which level, in a process of its own, as Lambda configures it."""

import json
import os
import subprocess
import sys
from typing import Any

import boto3
import pytest

from local.gateway.template import read
from tests.support.emitted import emitted
from tests.support.functions import ROOT

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
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]


def level_in_aws(parameter: str) -> str:
    """Return what Lambda sets for the functions when the parameter LogLevel has this value."""
    functions = read(ROOT / "template.yaml", {"LOG_LEVEL": parameter}).functions.values()
    (level,) = {each.environment["AWS_LAMBDA_LOG_LEVEL"] for each in functions}
    return level


def printed_by(parameter: str) -> tuple[str, str]:
    """Return what such a function prints and what it sends to the root logger's handler."""
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
    """Each value of the parameter LogLevel is one of the levels that Lambda's API takes."""
    client = boto3.client("lambda", region_name="eu-central-1")
    shape: Any = client.meta.service_model.shape_for("LoggingConfig")
    known = shape.members["ApplicationLogLevel"].enum

    assert level_in_aws(parameter) in known


@pytest.mark.parametrize("parameter", LEVELS)
def test_level_decides_what_is_logged(parameter: str) -> None:
    """The functions log from the level on that the parameter LogLevel names."""
    printed, _ = printed_by(parameter)

    lines = [json.loads(line) for line in printed.splitlines()]
    logged = [line["level"] for line in lines if "_aws" not in line]
    assert logged == LEVELS[LEVELS.index(parameter) :]


@pytest.mark.parametrize("parameter", LEVELS)
def test_metrics_do_not_depend_on_the_level(parameter: str) -> None:
    """Alarms see the age of the outbox and failures of dependencies, whatever is logged."""
    printed, _ = printed_by(parameter)

    assert len(emitted(printed, "OutboxAgeSeconds")) == 1
    assert len(emitted(printed, "DependencyFailure")) == 1


@pytest.mark.parametrize("parameter", LEVELS)
def test_packages_do_not_log_requests(parameter: str) -> None:
    """Of other packages only what is wrong is logged: below that botocore logs secrets."""
    _, others = printed_by(parameter)

    told = [level for level in LEVELS if f"theirs {level.lower()}" in others]
    assert told == [level for level in LEVELS[2:] if LEVELS.index(level) >= LEVELS.index(parameter)]
