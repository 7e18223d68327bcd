"""What `make run` prints when all is ready: where everything is, and three lines to paste."""

from local.demo import DEMO_MOVIE_ID, TOKEN_DAYS
from local.servers.postgres import DATABASE, USER
from local.stack import Stack


def announce(stack: Stack) -> None:
    """Print addresses, a demo token and three calls."""
    token, film = stack.token(), f"{stack.api_url}/api/v1/stream/{DEMO_MOVIE_ID}"
    bearer = f'-H "Authorization: Bearer {token}"'
    json_body = '-H "Content-Type: application/json"'
    ports = stack.ports
    print(
        f"""
Player        {stack.api_url}/
API           {stack.api_url}/api/v1
API docs      {stack.api_url}/docs
S3            {stack.s3.endpoint_url}  bucket {stack.s3.bucket}, private
PostgreSQL    127.0.0.1:{ports.postgres_port}  database {DATABASE}, user {USER}
Redis         127.0.0.1:{ports.redis_port}
Kafka         {stack.kafka.bootstrap_servers}
User service  {stack.user_service.url}
Secrets       {stack.state / "stack.json"}
Logs          {stack.state / "logs"}

A token of the demo user, good for {TOKEN_DAYS} days:

{token}

Start the film, save a position, read it back:

curl -sS -X POST {film} {bearer} {json_body} -d '{{"manifest_type": "hls"}}'

curl -sS -X POST {film}/progress {bearer} {json_body} -d '{{"position_seconds": 12}}'

curl -sS {film}/progress {bearer}

Ctrl-C stops everything.""",
        flush=True,
    )
