"""The messages for the developer: progress while the stack starts, then all addresses."""

import contextlib
import shlex
import sys

from local.demo import DEMO_MOVIE_ID, TOKEN_DAYS
from local.servers.postgres import DATABASE, USER
from local.stack import Stack


def say(text: str) -> None:
    """Print `text` and flush; never raises `OSError`: a closed pipe does not end the stack."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def complain(text: str) -> None:
    """Print an error in one line; never raises `OSError`."""
    with contextlib.suppress(OSError):
        print(f"error: {text}", file=sys.stderr, flush=True)


def report(step: str, seconds: float) -> None:
    """Print one finished step."""
    say(f"{seconds:6.1f} s  {step}")


def announce(stack: Stack) -> None:
    """Print addresses, a demo token and three calls, each of which can be pasted on its own."""
    environment, token = stack.environment, stack.token()
    database = f"127.0.0.1:{stack.ports.postgres_port}, database {DATABASE}, user {USER}"
    if "postgres" in stack.own:
        database = stack.own.address("postgres")
    film = f"{stack.api_url}/api/v1/stream/{DEMO_MOVIE_ID}"
    bearer = f'-H "Authorization: Bearer {token}"'
    json_body = '-H "Content-Type: application/json"'
    say(f"""
Player        {stack.api_url}/
Dashboard     {stack.api_url}/dashboard
API           {stack.api_url}/api/v1
API docs      {stack.api_url}/docs
S3            {stack.s3.endpoint_url}, private bucket {stack.s3.bucket}
PostgreSQL    {database}
Redis         {environment["REDIS_HOST"]}:{environment["REDIS_PORT"]}
Kafka         {environment["KAFKA_BOOTSTRAP_SERVERS"]}
User service  {environment["USER_SERVICE_URL"]}
Secrets       {stack.state.document}
Logs          {stack.state.logs}

A token of the demo user, valid for {TOKEN_DAYS} days:

{token}

Start the film, save a position, read it back:

curl -sS -w '\\n' -X POST {film} {bearer} {json_body} -d '{{"manifest_type": "hls"}}'

curl -sS -w '\\n' -X POST {film}/progress {bearer} {json_body} -d '{{"position_seconds": 12}}'

curl -sS -w '\\n' {film}/progress {bearer}

To test an outage, create a file with the name of a server; it is stopped while the file exists:
touch {shlex.quote(str(stack.state.down / "redis"))}

Ctrl-C stops everything.""")
