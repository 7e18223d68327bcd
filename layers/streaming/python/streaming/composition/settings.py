"""The settings of an execution environment, from its variables and the secrets they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from streaming.composition.preloading import preload as preload_parts
from streaming.resilience.name_lookups import limit_name_lookups

if TYPE_CHECKING:
    from streaming.config.http import HttpSettings
    from streaming.config.rotating_secrets import Rotating
    from streaming.config.secrets_manager import SecretsManager
    from streaming.config.variables import Variables

Value = TypeVar("Value")


class Settings:
    """Reads settings when they are first used.

    ``variables`` are read when a part is built; any part may then raise ``ConfigurationError``.
    ``preload`` names the parts whose modules are imported at once: during initialization Lambda
    provides a full CPU, and less during an invocation.
    """

    def __init__(self, variables: Variables, preload: Iterable[str] = ()) -> None:
        self.variables = variables
        limit_name_lookups()
        preload_parts(type(self), preload)

    @cached_property
    def http_settings(self) -> HttpSettings:
        """The settings of responses."""
        from streaming.config.http import HttpSettings

        return HttpSettings.from_environment(self.variables)

    def settings_of(
        self, build: Callable[[Variables], Value], secret: str
    ) -> Value | Rotating[Value]:
        """Return the settings; they rotate if the variable ``secret`` contains an ARN."""
        return self.rotating(build, secret) or build(self.variables)

    def rotating(self, build: Callable[[Variables], Value], secret: str) -> Rotating[Value] | None:
        """Return settings that rotate with a secret; None if the variable ``secret`` is empty."""
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
