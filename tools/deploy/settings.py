"""What samconfig.toml says of an environment.

Run as `python -m tools.deploy.settings ENVIRONMENT` it prints for which target the layers are
built, as the Makefile takes it. Only the standard library is needed, so that a job which may
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
# Lambda takes names of 64 characters, and the longest is the stack's with -subscription-changed.
LONGEST_STACK_NAME = 64 - len("-subscription-changed")


class SettingsError(Exception):
    """The configuration cannot be deployed."""


@dataclass(frozen=True)
class Settings:
    """An environment: its stack and the parameters that differ from the template's defaults.

    ``account`` holds the ``region`` and the ``profile`` of the command lines, where they are given.
    """

    environment: str
    stack_name: str
    parameters: Mapping[str, str]
    account: Mapping[str, str]

    @property
    def account_options(self) -> list[str]:
        """The options by which both command lines, SAM's and AWS's, ask the same account."""
        return [word for name, value in self.account.items() for word in (f"--{name}", value)]

    @property
    def target(self) -> dict[str, str]:
        """The variables of `make build` that the parameters decide; the defaults are left out."""
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
        SettingsError: There is no such environment, or it lacks what a deployment needs.
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
    """Return the parameters, which SAM takes as a list, a line or a table."""
    if isinstance(given, Mapping):
        return {name: str(value) for name, value in given.items()}
    listed = shlex.split(given) if isinstance(given, str) else given
    pairs = [each.partition("=") for each in listed]
    wrong = [name for name, separator, _ in pairs if not separator]
    if wrong:
        raise SettingsError(f"parameter_overrides: {wrong[0]!r} is not Name=value")
    return {name: value for name, _, value in pairs}


def main() -> None:
    """Print the target of the environment in the first argument."""
    try:
        settings = read(sys.argv[1])
    except (SettingsError, OSError) as error:
        sys.exit(f"error: {error}")
    print(*(f"{name}={value}" for name, value in settings.target.items()))


if __name__ == "__main__":
    main()
