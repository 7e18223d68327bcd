"""Runs the API under `sam local` with the services of docker-compose.yml.

It starts the services, uploads the demo films to the private bucket, adds the demo user's
subscription, and runs the functions in containers. The configuration is .env, which is copied from
.env.example if it is missing. Run as `python -m tools.run_compose --sam SAM`.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local import demo, demo_film, film_upload
from tools import sam_environment, sam_process

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / ".env"
FUNCTION_ENVIRONMENT = ROOT / ".local" / "sam-env.json"
FILMS = ROOT / ".local" / "films"
NETWORK = "streaming"
PYTHON = "3.13"
# The user of the tokens in events/.
EVENTS_USER_ID = "6f1c2a34-9b7e-4c1d-8a55-2d3e4f5a6b7c"
SERVICES = ("minio", "postgres", "redis", "kafka", "user-service")
SET_UPS = ("minio-init", "migrate", "kafka-init")


def configure() -> dict[str, str]:
    """Return the variables of .env, which is copied from .env.example if it is missing.

    Raises `EnvironmentFileError` if it is invalid.
    """
    if not CONFIGURATION.exists():
        shutil.copyfile(ROOT / ".env.example", CONFIGURATION)
        print("Copied .env.example to .env", flush=True)
    return sam_environment.read(CONFIGURATION.read_text(encoding="utf-8"), os.environ)


def start_services() -> None:
    """Start the services, wait until they are healthy, then set them up.

    Raises `subprocess.CalledProcessError` if Docker Compose fails.
    """
    compose = ["docker", "compose"]
    subprocess.run([*compose, "up", "--detach", "--wait", "--build", *SERVICES], check=True)
    # Not started with the others: `up --wait` treats a service that exits as failed.
    for service in SET_UPS:
        subprocess.run([*compose, "run", "--rm", "--no-deps", service], check=True)


def bring_films(variables: Mapping[str, str]) -> None:
    """Generate the demo films, once for this checkout, and upload those that the bucket lacks."""
    import boto3

    if not demo_film.are_made(FILMS):
        subprocess.run([sys.executable, "-m", "local.demo_film", str(FILMS)], check=True)
    client = boto3.client(
        "s3",
        endpoint_url=variables["S3_PUBLIC_ENDPOINT_URL"],
        region_name=variables["S3_REGION"],
        aws_access_key_id=variables["MINIO_ROOT_USER"],
        aws_secret_access_key=variables["MINIO_ROOT_PASSWORD"],
    )
    film_upload.upload_missing(FILMS, client=client, bucket=variables["S3_BUCKET_NAME"])


def subscribe(variables: Mapping[str, str]) -> None:
    """Add a subscription of one year for the demo user and for the user of the events."""
    expires_at = (datetime.now(UTC) + timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    subscription = {"is_active": True, "plan_id": "premium", "expires_at": expires_at}
    port = variables["USER_SERVICE_PORT"]
    for user_id in (demo.DEMO_USER_ID, EVENTS_USER_ID):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/local/subscriptions/{user_id}",
            data=json.dumps({**subscription, "max_streams": 3}).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass


def run_functions(sam: Path, variables: Mapping[str, str]) -> int:
    """Build the functions and serve them until Ctrl-C; return SAM's exit status.

    Raises `subprocess.CalledProcessError` if the build fails.
    """
    sam_environment.write(variables, FUNCTION_ENVIRONMENT)
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    parameters = [
        "--parameter-overrides",
        f"Architecture={architecture} PythonRuntime=python{PYTHON} EnvironmentName=local",
    ]
    environment = sam_process.environment(
        access_key=variables["MINIO_SERVICE_ACCESS_KEY"],
        secret_key=variables["MINIO_SERVICE_SECRET_KEY"],
        region=variables["S3_REGION"],
        architecture=architecture,
        python=PYTHON,
    )
    subprocess.run([str(sam), "build", *parameters], check=True, env=environment)
    options = [
        *("--host", "127.0.0.1", "--port", variables["API_PORT"]),
        *("--env-vars", str(FUNCTION_ENVIRONMENT)),
        *("--docker-network", NETWORK),
        *("--add-host", f"{sam_environment.MACHINE}:host-gateway"),
        *("--warm-containers", "LAZY"),
    ]
    command = [str(sam), "local", "start-api", *options, *parameters]
    return subprocess.run(command, check=False, env=environment).returncode


def announce(variables: Mapping[str, str]) -> None:
    """Print the first call, ready to paste."""
    token = demo.token_for(demo.DEMO_USER_ID, variables["JWT_SECRET_KEY"].split(",")[0])
    api = f"http://127.0.0.1:{variables['API_PORT']}/api/v1/stream/{demo.DEMO_MOVIE_ID}"
    print(f"""
MinIO's console   http://127.0.0.1:{variables["MINIO_CONSOLE_PORT"]}
Stop the services docker compose down

When SAM reports that it is running, start a film:

curl -X POST {api} -H "Authorization: Bearer {token}"
""")
    sys.stdout.flush()


def main() -> int:
    """Start everything, then serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sam", type=Path, required=True)
    arguments = parser.parse_args()
    os.chdir(ROOT)
    try:
        variables = configure()
        start_services()
        bring_films(variables)
        subscribe(variables)
        announce(variables)
        return run_functions(arguments.sam, variables)
    except (sam_environment.EnvironmentFileError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")
    except subprocess.CalledProcessError as error:
        return error.returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
