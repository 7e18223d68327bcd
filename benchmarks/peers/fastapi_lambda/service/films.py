"""The films: where their playable copies are.

A copy is made once in a window of time, and Redis keeps where it is.
"""

import asyncio
import json
import time
from uuid import UUID

from film_copies import FilmCopies, FilmNotFoundError

from service.clients import redis, s3, signer
from service.problems import Problem
from service.settings import settings

WINDOW_SECONDS = 3600

copies = FilmCopies(s3, signer, settings.s3_bucket_name, settings.kafka_topic_prefix)


async def manifest(movie_id: UUID, manifest_type: str) -> tuple[str, int | None]:
    """Return the presigned URL of the film's manifest, and its duration in seconds if known."""
    window = int(time.time() // WINDOW_SECONDS)
    cache_key = f"manifest:{movie_id}:{manifest_type}:{window}"
    cached = await redis.get(cache_key)
    if cached:
        copy = json.loads(cached)
    else:
        try:
            copy = await asyncio.to_thread(copies.publish, movie_id, manifest_type, window)
        except FilmNotFoundError as error:
            raise Problem(404, "movie_not_found", "there is no such film") from error
        await redis.set(cache_key, json.dumps(copy), ex=WINDOW_SECONDS)
    url = copies.presigned(copy["key"], settings.signed_url_expiration)
    return url, copy["duration_seconds"]
