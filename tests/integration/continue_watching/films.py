"""Films in the bucket and in continue watching."""

from uuid import UUID

from local.stack import Stack
from tests.support.functions import Viewer, event, request
from tests.support.redis_of_stack import client_of


def put_film(stack: Stack, movie_id: UUID, seconds: int) -> None:
    """Upload a film of that length, replacing an existing one."""
    segments = "".join(f"#EXTINF:2,\nsegment{number}.ts\n" for number in range(seconds // 2))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{segments}#EXT-X-ENDLIST\n"
    stack.s3.admin_client.put_object(
        Bucket="vod", Key=f"movies/{movie_id}/index.m3u8", Body=playlist.encode()
    )


def remove_film(stack: Stack, movie_id: UUID) -> None:
    """Delete a film from the bucket."""
    stack.s3.admin_client.delete_object(Bucket="vod", Key=f"movies/{movie_id}/index.m3u8")


def invalidate(movie_id: UUID) -> int:
    """Invalidate the film; return the status of the response."""
    payload = event("invalidate")
    payload["pathParameters"] = {"movie_id": str(movie_id)}
    return request("invalidate", payload).status


def listed(viewer: Viewer) -> list[str]:
    """Return the films of continue watching."""
    return [item["movie_id"] for item in viewer.continue_watching(100).json["items"]]


def published(stack: Stack, movie_id: UUID) -> list[str]:
    """Return the keys of the film's copies in Redis."""
    with client_of(stack) as redis:
        return [str(key) for key in redis.scan_iter(f"*{movie_id}*") if "progress:" not in str(key)]
