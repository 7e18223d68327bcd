"""Turns .env into what `sam local --env-vars` takes, for functions in containers.

.env has the addresses of this machine, where a container's localhost is the container itself. The
containers of SAM join the network of docker-compose.yml, so each address here becomes that of the
service there. An address elsewhere stays, and so does the one that players follow.

Run as `python -m tools.sam_environment .env FILE`; as in Docker Compose, the shell's variables win
over the file's.
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

# What Docker calls the machine that it runs on, in a container that asks for the name.
MACHINE = "host.docker.internal"
SERVICES = {
    "S3_ENDPOINT_URL": "minio:9000",
    "USER_SERVICE_URL": "user-service:8002",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:19092",
    "DATABASE_URL": "postgres:5432",
    "JWT_JWKS_URL": None,
}
REDIS = {"REDIS_HOST": "redis", "REDIS_PORT": "6379"}
# SAM answers a reference to a secret with a made-up name; without one, functions use the values.
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
    """A line of the file is not an assignment, or refers to what is not set."""


def read(text: str, shell: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment file, with ``${NAME}`` replaced.

    Args:
        text: Comments, empty lines and ``NAME=value`` lines; a value refers to earlier ones.
        shell: What wins over the file's values.

    Raises:
        EnvironmentFileError: For anything else.
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
    """Return ``variables`` with the addresses of this machine as the functions reach them."""
    translated = dict(variables)
    for name, service in SERVICES.items():
        if name in variables:
            replacement = service or rf"{MACHINE}\1"
            translated[name] = _HERE.sub(replacement, variables[name])
    if variables.get("REDIS_HOST") in THIS_MACHINE:
        translated.update(REDIS)
    return translated


def write(variables: Mapping[str, str], target: Path) -> None:
    """Write ``variables`` as SAM reads them, translated, for nobody else to read."""
    # SAM gives "Parameters" to every function, each of which sees only what its template names.
    document = {"Parameters": {**for_containers(variables), **dict.fromkeys(SECRETS, "")}}
    target.parent.mkdir(parents=True, exist_ok=True)
    write_privately(target, json.dumps(document, indent=2) + "\n")


def main() -> None:
    """Translate the file of the first argument into that of the second."""
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
