"""Builds settings that follow a secret, without loading what reads it before it is needed."""

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from streaming.config.rotating_secrets import Rotating
from streaming.config.variables import Variables

if TYPE_CHECKING:
    from streaming.config.secrets_manager import SecretsManager

Value = TypeVar("Value")


def rotating(build: Callable[[Variables], Value], variable: str) -> Rotating[Value] | None:
    """Return the settings that follow the secret named by ``variable``; None when it names none."""
    if not os.environ.get(variable):
        return None
    return Rotating(build, os.environ, variable, _read)


def _read(arn: str) -> str:
    return _secrets_manager().read(arn)


@cache
def _secrets_manager() -> "SecretsManager":
    from streaming.config.secrets_manager import SecretsManager

    return SecretsManager(os.environ)
