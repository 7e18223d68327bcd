"""Converts .env to the file of `sam local --env-vars`, for functions in containers.

.env contains addresses on this machine, but localhost inside a container is the container itself.
SAM's containers join the network of docker-compose.yml, so each address on this machine is replaced
by that of the service in the network. Other addresses stay, and so does the one for players.

Run as `python -m tools.sam_environment .env FILE`. As in Docker Compose, the shell's variables
override those of the file.
"""

import argparse
import json
import os
import re
import string
import sys
from collections.abc import Mapping
from pathlib import Path

from local.files import write_privately

# Docker's name for the host machine inside containers.
MACHINE = "host.docker.internal"
SERVICES = {
    "S3_ENDPOINT_URL": "minio:9000",
    "USER_SERVICE_URL": "user-service:8002",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:19092",
    "DATABASE_URL": "postgres:5432",
    "JWT_JWKS_URL": None,
}
REDIS = {"REDIS_HOST": "redis", "REDIS_PORT": "6379"}
# SAM sets a reference to a secret to an invented name; if it is empty, functions use the values.
SECRETS = (
    "DATABASE_SECRET_ARN",
    "JWT_SECRET_ARN",
    "KAFKA_SECRET_ARN",
    "REDIS_SECRET_ARN",
    "S3_SIGNING_SECRET_ARN",
)
THIS_MACHINE = ("localhost", "127.0.0.1")
_HERE = re.compile(r"(?:^|(?<=[/@,]))(?:localhost|127\.0\.0\.1)(:\d+)?(?=[/,?]|$)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")


class EnvironmentFileError(Exception):
    """A line of the file is not an assignment, or refers to a variable that is not set."""


def read(text: str, shell: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment file, with ``${NAME}`` replaced.

    Args:
        text: Comments, empty lines and ``NAME=value`` lines; a value refers to earlier ones.
        shell: Variables that override the file's values.

    Raises:
        EnvironmentFileError: A line is anything else, or refers to a variable not set above.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match is None:
            raise EnvironmentFileError(f"line {number} is not NAME=value")
        name, value = match.groups()
        try:
            value = string.Template(value).substitute(variables)
        except (KeyError, ValueError) as error:
            raise EnvironmentFileError(f"line {number}: {error} is not set above") from None
        variables[name] = shell.get(name, value)
    return variables


def for_containers(variables: Mapping[str, str]) -> dict[str, str]:
    """Return ``variables`` with this machine's addresses replaced for the functions' containers."""
    translated = dict(variables)
    for name, service in SERVICES.items():
        if name in variables:
            replacement = service or rf"{MACHINE}\1"
            translated[name] = _HERE.sub(replacement, variables[name])
    if variables.get("REDIS_HOST") in THIS_MACHINE:
        translated.update(REDIS)
    return translated


def write(variables: Mapping[str, str], target: Path) -> None:
    """Write the translated ``variables`` to ``target`` in SAM's format, with mode 0600."""
    # SAM applies "Parameters" to every function, restricted to the variables in the template.
    document = {"Parameters": {**for_containers(variables), **dict.fromkeys(SECRETS, "")}}
    target.parent.mkdir(parents=True, exist_ok=True)
    write_privately(target, json.dumps(document, indent=2) + "\n")


def main() -> None:
    """Translate the file in the first argument to the file in the second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    try:
        variables = read(arguments.source.read_text(encoding="utf-8"), os.environ)
    except (EnvironmentFileError, FileNotFoundError) as error:
        sys.exit(f"{arguments.source}: {error}")
    write(variables, arguments.target)


if __name__ == "__main__":
    main()
