"""The settings of an environment in samconfig.toml.

Run as `python -m tools.deploy.settings ENVIRONMENT` it prints the target of the layers' build as
variables for the Makefile. It uses the standard library only, so that a job with the permission to
deploy installs nothing.
"""

import shlex
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGURATION = Path("samconfig.toml")
# Lambda limits names to 64 characters; the longest is the stack's with -subscription-changed.
LONGEST_STACK_NAME = 64 - len("-subscription-changed")


class SettingsError(Exception):
    """The configuration cannot be deployed."""


@dataclass(frozen=True)
class Settings:
    """An environment: its stack and the parameters that differ from the template's defaults.

    ``account`` has the ``region`` and the ``profile`` for the command lines, if they are given.
    """

    environment: str
    stack_name: str
    parameters: Mapping[str, str]
    account: Mapping[str, str]

    @property
    def account_options(self) -> list[str]:
        """The options with which both command lines, SAM's and AWS's, use the same account."""
        return [word for name, value in self.account.items() for word in (f"--{name}", value)]

    @property
    def target(self) -> dict[str, str]:
        """The variables of `make build` that the parameters determine, without defaults."""
        variables = {}
        if "Architecture" in self.parameters:
            variables["ARCHITECTURE"] = self.parameters["Architecture"]
        if "PythonRuntime" in self.parameters:
            runtime = self.parameters["PythonRuntime"]
            variables["RUNTIME_VERSION"] = runtime.removeprefix("python")
        return variables


def read(environment: str, path: Path = CONFIGURATION) -> Settings:
    """Read the settings of an environment.

    Raises:
        SettingsError: There is no such environment, or its settings are incomplete or invalid.
    """
    document = tomllib.loads(path.read_text("utf-8"))
    found = document.get(environment)
    if found is None:
        known = ", ".join(name for name in document if name not in ("version", "default"))
        raise SettingsError(f"{path} has no environment {environment!r}, only {known}")
    shared = found.get("global", {}).get("parameters", {})
    given = {**shared, **found.get("deploy", {}).get("parameters", {})}
    if "stack_name" not in given:
        raise SettingsError(f"{path}: {environment} has no stack_name")
    stack_name = given["stack_name"]
    if len(stack_name) > LONGEST_STACK_NAME:
        raise SettingsError(
            f"{path}: stack_name {stack_name!r} has more than {LONGEST_STACK_NAME} characters"
        )
    account = {name: str(given[name]) for name in ("region", "profile") if name in given}
    parameters = _parameters(given.get("parameter_overrides", []))
    return Settings(environment, stack_name, parameters, account)


def _parameters(given: Any) -> dict[str, str]:
    """Return the parameters, which may be a list, a line or a table, as in SAM."""
    if isinstance(given, Mapping):
        return {name: str(value) for name, value in given.items()}
    listed = shlex.split(given) if isinstance(given, str) else given
    pairs = [each.partition("=") for each in listed]
    wrong = [name for name, separator, _ in pairs if not separator]
    if wrong:
        raise SettingsError(f"parameter_overrides: {wrong[0]!r} is not Name=value")
    return {name: value for name, _, value in pairs}


def main() -> None:
    """Print the build target of the environment in the first argument."""
    try:
        settings = read(sys.argv[1])
    except (SettingsError, OSError) as error:
        sys.exit(f"error: {error}")
    print(*(f"{name}={value}" for name, value in settings.target.items()))


if __name__ == "__main__":
    main()
