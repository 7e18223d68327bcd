"""Viewers, films and checks of the actual state for the calls of the scenarios."""

import gzip
from collections.abc import Callable
from threading import Lock
from typing import TypeVar
from uuid import UUID, uuid4

from redis import Redis

from local.environment import BUCKET
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from tests.conftest import set_subscription
from tests.support.functions import Viewer, new_viewer

_MASTER = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n720p/index.m3u8\n"
_MEDIA_PATH = "720p/index.m3u8"
_CHUNKS = 900

Result = TypeVar("Result")


class World:
    """A running stack, accessed directly, unlike by the environments under test.

    The handlers in this process are the healthy environment that prepares the scenarios; the
    process's environment variables must be those of the stack.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._one_at_a_time = Lock()
        self._database = Database(DatabaseSettings(stack.environment["DATABASE_URL"]))
        self._redis = Redis(port=stack.ports.redis_port, decode_responses=True)
        self._bucket = stack.s3.admin_client
        self.film_in_use = self.new_film()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()
        self._redis.close()

    def calmly(self, work: Callable[[], Result]) -> Result:
        """Run ``work``, which may use the healthy environment, under a lock."""
        with self._one_at_a_time:
            return work()

    def new_subscriber(self) -> Viewer:
        """Return a new user with a subscription."""
        viewer = new_viewer(self.stack.token)
        set_subscription(self.stack, viewer.user_id)
        return viewer

    def new_film(self) -> UUID:
        """Upload an hour-long film that was never started."""
        movie_id = uuid4()
        for path, body in (("index.m3u8", _MASTER), (_MEDIA_PATH, _media(_CHUNKS))):
            self._bucket.put_object(Bucket=BUCKET, Key=f"movies/{movie_id}/{path}", Body=body)
        return movie_id

    def replace_film(self, movie_id: UUID) -> None:
        """Replace a film of ``new_film`` by one of half an hour."""
        key = f"movies/{movie_id}/{_MEDIA_PATH}"
        self._bucket.put_object(Bucket=BUCKET, Key=key, Body=_media(_CHUNKS // 2))

    def plays_as_replaced(self, movie_id: UUID) -> bool:
        """Return whether the replaced film is published.

        An invalidation publishes a new edition and leaves the copy of the former one.
        """
        pages = self._bucket.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=BUCKET, Prefix="playback/").search("Contents[]")
        copies = [
            self._bucket.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
            for each in listed
            if each["Key"].endswith(f"movies/{movie_id}/{_MEDIA_PATH}")
        ]
        return any(gzip.decompress(copy).count(b"#EXTINF") == _CHUNKS // 2 for copy in copies)

    def forget_cached_progress(self, user_id: UUID, movie_id: UUID) -> None:
        """Delete the position from Redis."""
        self._redis.delete(f"progress:{user_id}:{movie_id}")

    def is_cached(self, user_id: UUID, movie_id: UUID) -> bool:
        """Return whether the position is in Redis, and not only a mark of its deletion."""
        return "position_seconds" in str(self._redis.get(f"progress:{user_id}:{movie_id}"))

    def rows(self, statement: str, **values: object) -> list[Row]:
        """Run a statement against PostgreSQL."""
        return self._database.run(lambda transaction: transaction.rows(statement, **values))

    def waits_in_outbox(self, user_id: UUID) -> bool:
        """Return whether an event of the user waits in the outbox."""
        found = self.rows("SELECT 1 FROM event_outbox WHERE key = :key LIMIT 1", key=str(user_id))
        return bool(found)


def _media(chunks: int) -> bytes:
    return (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
        + b"".join(b"#EXTINF:4,\nchunk_%05d.ts\n" % number for number in range(chunks))
        + b"#EXT-X-ENDLIST\n"
    )
