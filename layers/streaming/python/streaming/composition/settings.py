"""The settings of an execution environment, from its variables and the secrets that these name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from streaming.composition.preloading import preload as preload_parts

if TYPE_CHECKING:
    from streaming.config.http import HttpSettings
    from streaming.config.rotating_secrets import Rotating
    from streaming.config.secrets_manager import SecretsManager
    from streaming.config.variables import Variables

Value = TypeVar("Value")


class Settings:
    """Reads settings when they are first needed.

    ``variables`` are kept, and read when a part is built. ``preload`` names the parts whose modules
    are imported now: Lambda lends a whole processor while it starts an execution environment, and
    less to a call. Any part may raise ``ConfigurationError`` for a variable.
    """

    def __init__(self, variables: Variables, preload: Iterable[str] = ()) -> None:
        self.variables = variables
        preload_parts(type(self), preload)

    @cached_property
    def http_settings(self) -> HttpSettings:
        """How responses look."""
        from streaming.config.http import HttpSettings

        return HttpSettings.from_environment(self.variables)

    def settings_of(
        self, build: Callable[[Variables], Value], secret: str
    ) -> Value | Rotating[Value]:
        """Return the settings, which follow the secret whose ARN the variable ``secret`` has."""
        return self.rotating(build, secret) or build(self.variables)

    def rotating(self, build: Callable[[Variables], Value], secret: str) -> Rotating[Value] | None:
        """Return the settings that follow a secret; None when the variable ``secret`` is empty."""
        from streaming.config.rotating_secrets import Rotating

        if not self.variables.get(secret):
            return None

        def read(arn: str) -> str:
            return self.secrets_manager.read(arn)

        return Rotating(build, self.variables, secret, read)

    @cached_property
    def secrets_manager(self) -> SecretsManager:
        """The connection to Secrets Manager."""
        from streaming.config.secrets_manager import SecretsManager

        return SecretsManager(self.variables)
