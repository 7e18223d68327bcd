"""The configuration of each function in template.yaml, and its consequences for tests."""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from local.gateway.model import Function
from local.gateway.template import read
from tests.integration.test_events import SECRET
from tests.support.functions import ROOT

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

# The variable with the address of each dependency.
VARIABLES = {
    "postgres": "DATABASE_URL",
    "redis": "REDIS_HOST",
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "s3": "S3_ENDPOINT_URL",
    "user_service": "USER_SERVICE_URL",
}

# The error with which functions without an HTTP response fail if a dependency is unavailable.
OWN_ERRORS = {"DatabaseUnavailable", "CacheUnavailable", "ChoresFailed"}


def deployed(environment: Mapping[str, str]) -> dict[str, Function]:
    """Return the functions by the name of their folder, with their variables.

    Only variables that the template declares are passed: a forgotten variable is missing here as
    in AWS.
    """
    functions = read(ROOT / "template.yaml", environment).functions.values()
    return {function.directories[0].name: function for function in functions}


def function_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a stack's environment in which each committed event has all its possible effects.

    The tokens of the events are trusted, and the current time window ends so soon that
    housekeeping has copies to renew.
    """
    return {
        **environment,
        "JWT_SECRET_KEY": f"{environment['JWT_SECRET_KEY']},{SECRET}",
        "MIGRATIONS_DIRECTORY": str(ROOT / "migrations"),
        "DELIVERY_WINDOW_SECONDS": str(_ending_window(time.time())),
    }


def _ending_window(now: float) -> int:
    return next(each for each in range(1200, 86400, 60) if 200 < each - now % each < 550)


@cache
def dependencies(name: str) -> tuple[str, ...]:
    """Return a function's dependencies, according to its variables."""
    declared = _declared()[name].environment
    return tuple(each for each, variable in VARIABLES.items() if variable in declared)


def losses() -> list[Any]:
    """Return the parameters ``function`` and ``lost``: each dependency alone, and all."""
    return [
        pytest.param(function, lost, id=f"{function}-{'+'.join(lost)}")
        for function in FUNCTIONS
        for lost in dict.fromkeys(
            [*((each,) for each in dependencies(function)), dependencies(function)]
        )
        if lost
    ]


@cache
def _declared() -> dict[str, Function]:
    return deployed({})
