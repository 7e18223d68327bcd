"""The stack under load: its films and its users."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

from benchmarks.films import hls_film
from local.stack import Stack

FILMS = 20
# Two hours in three renditions.
RENDITIONS, SEGMENTS, SEGMENT_SECONDS = 3, 1200, 6.0


@contextlib.contextmanager
def running(folder: Path, users: int) -> Iterator[Stack]:
    """Run a stack with films and with users who have a subscription."""
    stack = Stack.temporary(folder, films=False)
    subscription = {"is_active": True, "plan_id": "premium", "expires_at": None}
    known = {user_id(number): subscription for number in range(users)}
    stack.state.subscriptions.write_text(json.dumps(known))
    with stack:
        upload_films(stack)
        yield stack


def upload_films(stack: Stack, count: int = FILMS, segments: int = SEGMENTS) -> None:
    """Upload the manifests of films to the bucket. Nothing reads their segments."""
    client = stack.s3.admin_client
    for number in range(count):
        for path, body in hls_film(RENDITIONS, segments, SEGMENT_SECONDS).items():
            key = f"movies/{movie_id(number)}/{path}"
            client.put_object(Bucket=stack.s3.bucket, Key=key, Body=body)


def user_id(number: int) -> str:
    """Return the id of a user, the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"user {number}"))


def movie_id(number: int) -> str:
    """Return the id of the film that the viewer ``number`` watches."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"film {number % FILMS}"))
