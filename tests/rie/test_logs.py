"""The output of functions under Lambda's runtime, at each level of the parameter LogLevel."""

import json
from typing import Any

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.rie.conftest import Launch
from tests.rie.deployed import deployed
from tests.rie.scene import Scene, play_in_time
from tests.support.emitted import emitted
from tests.support.functions import event
from tests.support.proxies import Proxies
from tools.emulator import Emulator

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]


def at(launch: Launch, function: str, parameter: str) -> Emulator:
    """Start a function with this value of the parameter LogLevel."""
    environment = deployed({"LOG_LEVEL": parameter})[function].environment
    names = ("LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_LOG_FORMAT")
    return launch(function, **{name: environment[name] for name in names})


def logged(environment: Emulator) -> list[dict[str, Any]]:
    """Return the lines of the log, without those of metrics."""
    lines = [json.loads(line) for line in environment.log.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" not in line]


@pytest.mark.parametrize("parameter", LEVELS)
def test_level(launch: Launch, parameter: str) -> None:
    """A refused token, which is logged at INFO, appears at levels INFO and below."""
    authorizer = at(launch, "authorizer", parameter)

    authorizer.invoke(event("authorizer_token_garbled"))

    levels = {line["level"] for line in logged(authorizer)}
    assert levels == ({"INFO"} if parameter in ("DEBUG", "INFO") else set())


@pytest.mark.parametrize("parameter", ["INFO", "ERROR"])
def test_outbox_is_measured(launch: Launch, stack: Stack, rows: Rows, parameter: str) -> None:
    """Housekeeping emits the metrics of the outbox's alarms at every log level."""
    scene = Scene("housekeeping", stack, rows)
    housekeeping = at(launch, "housekeeping", parameter)

    scene.check(housekeeping.invoke(scene.event))

    (measured,) = emitted(housekeeping.log, "OutboxAgeSeconds")
    assert {"OutboxMessages", "OutboxDeadLetters"} <= measured.keys()


@pytest.mark.parametrize("parameter", ["WARNING", "ERROR"])
def test_outage_is_counted(
    launch: Launch, stack: Stack, proxies: Proxies, rows: Rows, parameter: str
) -> None:
    """A start without PostgreSQL counts the dependency's failure and the 503 response."""
    scene = Scene("start", stack, rows)
    start = at(launch, "start", parameter)
    # The film's copy is already published, so that a slow S3 cannot make the counted start fail.
    play_in_time(lambda: (scene, start.invoke(scene.event)))
    proxies["postgres"].refuse()
    before = len(start.log)

    assert start.invoke(scene.event)["statusCode"] == 503

    told = start.log[before:]
    assert {line["dependency"] for line in emitted(told, "DependencyFailure")} == {"postgresql"}
    (answer,) = emitted(told, "ServerErrors")
    assert answer["version"] == "$LATEST"
