"""Deploys what is built, by the commands of docs/deploy.md, to the emulated AWS."""

import json
import os
import platform
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.stack import Stack
from tests.deploy.emulator.aws import EmulatedAws
from tests.support.functions import ROOT

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
SAM = ROOT / ".venv" / f"sam-{VERSION}" / "bin" / "sam"


def build(folder: Path) -> Path:
    """Build functions and layers for this machine; return the folder of the template."""
    subprocess.run(
        [
            *("make", "--silent", "build", f"BUILD={folder}"),
            *(f"ARCHITECTURE={ARCHITECTURE}", f"RUNTIME_VERSION={VERSION}"),
        ],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        check=True,
        capture_output=True,
    )
    return folder


def parameters(aws: EmulatedAws, stack: Stack, database_url: str) -> dict[str, str]:
    """Return the parameters by which the functions find the servers of this machine."""
    given = stack.environment
    database = urlsplit(database_url)
    login = {"username": database.username, "password": database.password}
    place = f"{database.hostname}:{database.port}{database.path}"
    return {
        "Architecture": ARCHITECTURE,
        "PythonRuntime": f"python{VERSION}",
        "S3EndpointUrl": aws.url,
        "JwtSecretArn": aws.secret("jwt", given["JWT_SECRET_KEY"]),
        "DatabaseSecretArn": aws.secret("database", json.dumps(login)),
        "DatabaseUrl": f"postgresql://{place}?sslmode=disable",
        "UserServiceUrl": given["USER_SERVICE_URL"],
        "RedisHost": given["REDIS_HOST"],
        "RedisPort": given["REDIS_PORT"],
        "KafkaBootstrapServers": given["KAFKA_BOOTSTRAP_SERVERS"],
    }


def configuration(folder: Path, environment: str, given: Mapping[str, str]) -> Path:
    """Write the samconfig.toml of this checkout with more parameters, as an operator does."""
    text = (ROOT / "samconfig.toml").read_text("utf-8")
    written: list[str] = tomllib.loads(text)[environment]["deploy"]["parameters"][
        "parameter_overrides"
    ]
    values = {**dict(each.split("=", 1) for each in written), **given}
    lines = "".join(f'    "{name}={value}",\n' for name, value in values.items())
    head, _, rest = text.partition(f"[{environment}.deploy.parameters]")
    settings, _, rest = rest.partition("parameter_overrides = [\n")
    _, _, rest = rest.partition("]\n")
    path = folder / "samconfig.toml"
    overrides = f"parameter_overrides = [\n{lines}]\n"
    path.write_text(f"{head}[{environment}.deploy.parameters]{settings}{overrides}{rest}")
    return path


def reasons(aws: EmulatedAws, stack_name: str) -> list[str]:
    """Return why resources have failed, the first one first."""
    return [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in aws.cloudformation.stacks[stack_name].events
        if event["ResourceStatus"].endswith("FAILED")
    ]


def deploy(
    aws: EmulatedAws, built: Path, configuration: Path, environment: str, *options: str
) -> "subprocess.CompletedProcess[str]":
    """Run `sam deploy`."""
    command = [
        *(str(SAM), "deploy", "--config-file", str(configuration), "--config-env", environment),
        *("--template-file", str(built / "template.yaml"), "--no-confirm-changeset", *options),
    ]
    variables: dict[str, Any] = {**os.environ, **aws.variables, "SAM_CLI_TELEMETRY": "0"}
    variables["SAM_CLI_POLL_DELAY"] = "0.2"
    return subprocess.run(
        command, cwd=ROOT, env=variables, check=False, capture_output=True, text=True
    )
