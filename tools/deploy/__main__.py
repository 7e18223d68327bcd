"""Checks, builds and deploys an environment of samconfig.toml, or shows the changes."""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.deploy import changes, defaults, release
from tools.deploy.changes import Resource
from tools.deploy.settings import CONFIGURATION, Settings, SettingsError, read
from tools.deploy.stack import NEVER_MADE, PLANNED, AwsError, Stack, deployed, parameters

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Deploy the environment in the arguments; return the exit code."""
    arguments = _arguments()
    try:
        settings = read(arguments.environment, arguments.config)
        if not arguments.built:
            _check(settings, arguments.sam)
            _build(settings, arguments.build_dir)
        return _deploy(settings, arguments)
    except (SettingsError, AwsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools.deploy", description=__doc__)
    parser.add_argument("environment", help="an environment of samconfig.toml")
    parser.add_argument("--plan", action="store_true", help="only show the changes")
    parser.add_argument("--built", action="store_true", help="deploy the existing build")
    parser.add_argument("--build-dir", type=Path, default=ROOT / ".aws-sam" / "build")
    parser.add_argument("--config", type=Path, default=ROOT / CONFIGURATION)
    parser.add_argument("--sam", default="sam", help="the SAM command line")
    parser.add_argument("--aws", default="aws", help="the AWS command line")
    return parser.parse_args()


def _check(settings: Settings, sam: str) -> None:
    command = [sam, "validate", "--lint", *settings.account_options]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SettingsError("the check of the template failed")


def _build(settings: Settings, folder: Path) -> None:
    variables = [f"{name}={value}" for name, value in settings.target.items()]
    command = ["make", "--silent", "build", f"BUILD={folder}", *variables]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SettingsError("the build failed")


def _deploy(settings: Settings, arguments: argparse.Namespace) -> int:
    stack = Stack(settings.stack_name, arguments.aws, settings.account_options)
    before = stack.describe()
    if before is not None and before["StackStatus"] in NEVER_MADE:
        _make_room(stack, before["StackStatus"], is_plan=arguments.plan)
        before = None
    template = arguments.build_dir / "template.yaml"
    digest = release.content(template, settings.parameters)
    value = release.value(digest, deployed(before) if before else None)
    resources = stack.resources() if before else {}
    print(f"Release {value} of {stack.name}, after {_release(before) or 'none'}")
    held = parameters(before) if before else {}
    resets = defaults.resets(defaults.read(template), held, settings.parameters)
    code = _sam(settings, arguments, {**resets, **settings.parameters, "Release": value})
    if code == 0 and not arguments.plan:
        _report(stack, resources)
    return code


def _make_room(stack: Stack, status: str, *, is_plan: bool) -> None:
    """Delete a stack that was never created, unless the changes are only shown."""
    if not is_plan:
        print(f"Deleting {stack.name}: it was never created and has no resources.")
        stack.delete()
    elif status != PLANNED:
        raise SettingsError(
            f"the creation of {stack.name} failed, so CloudFormation cannot plan its changes: "
            "`make deploy` without PLAN deletes the stack, which has no resources, and creates it"
        )


def _sam(settings: Settings, arguments: argparse.Namespace, overrides: Mapping[str, str]) -> int:
    command = [
        *(arguments.sam, "deploy", "--config-file", str(arguments.config.resolve())),
        *("--config-env", settings.environment, "--no-fail-on-empty-changeset"),
        *settings.account_options,
        *("--template-file", str(arguments.build_dir / "template.yaml")),
        *("--parameter-overrides", *_overrides(overrides)),
    ]
    if arguments.plan:
        command.append("--no-execute-changeset")
    elif not sys.stdin.isatty():
        command.append("--no-confirm-changeset")
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    """Return parameters in the format of SAM's command line, quoted."""
    return [
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in parameters.items()
    ]


def _report(stack: Stack, before: Mapping[str, Resource]) -> None:
    """Print the resources that were changed, and the outputs of the stack."""
    print("", *changes.lines(before, stack.resources()), sep="\n")
    described: dict[str, Any] = stack.describe() or {}
    for output in described.get("Outputs", []):
        print(f"{output['OutputKey']}: {output['OutputValue']}")


def _release(described: dict[str, Any] | None) -> str:
    return deployed(described).release if described else ""


if __name__ == "__main__":
    sys.exit(main())
