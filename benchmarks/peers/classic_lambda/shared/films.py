"""Makes a private film playable: a copy of its playlists whose URIs are presigned.

The copy is made once in a window of time, and Redis keeps where it is. HLS only: of DASH the
manifest itself is presigned.
"""

import json
import re
import time
from posixpath import dirname, join, normpath
from uuid import UUID

from botocore.exceptions import ClientError

from shared.clients import redis, s3, signer
from shared.http import Problem
from shared.settings import settings

WINDOW_SECONDS = 3600
MOST_DAYS_SECONDS = 7 * 24 * 3600
URI = re.compile(r'URI="([^"]+)"')


def manifest(movie_id: UUID, manifest_type: str) -> tuple[str, int | None]:
    """Return the presigned URL of the film's manifest, and its duration in seconds if known."""
    window = int(time.time() // WINDOW_SECONDS)
    cache_key = f"manifest:{movie_id}:{manifest_type}:{window}"
    cached = redis.get(cache_key)
    if cached:
        copy = json.loads(cached)
    else:
        copy = _publish(movie_id, manifest_type, window)
        redis.set(cache_key, json.dumps(copy), ex=WINDOW_SECONDS)
    return _presigned(copy["key"], settings.signed_url_expiration), copy["duration_seconds"]


def _publish(movie_id: UUID, manifest_type: str, window: int) -> dict[str, object]:
    source = f"movies/{movie_id}"
    if manifest_type == "dash":
        key = f"{source}/index.mpd"
        _read(key)
        return {"key": key, "duration_seconds": None}
    target = f"playback/{settings.kafka_topic_prefix}-{window}/{source}"
    duration = _copy_playlist(source, target, "index.m3u8")
    return {"key": f"{target}/index.m3u8", "duration_seconds": round(duration) or None}


def _copy_playlist(source: str, target: str, path: str) -> float:
    """Copy a playlist and those that it names; return the duration of the longest."""
    durations = [0.0]
    own = 0.0

    def signed(uri: str) -> str:
        resolved = normpath(join(dirname(path), uri))
        if "://" in uri or resolved.startswith(".."):
            return uri
        if resolved.endswith(".m3u8"):
            durations.append(_copy_playlist(source, target, resolved))
            return _presigned(f"{target}/{resolved}", MOST_DAYS_SECONDS)
        return _presigned(f"{source}/{resolved}", MOST_DAYS_SECONDS)

    lines = []
    for line in _read(f"{source}/{path}").decode().splitlines():
        if line.startswith("#EXTINF:"):
            own += float(line.removeprefix("#EXTINF:").split(",")[0])
        if line.startswith("#"):
            lines.append(URI.sub(lambda found: f'URI="{signed(found[1])}"', line))
        else:
            lines.append(signed(line) if line else line)
    s3.put_object(
        Bucket=settings.s3_bucket_name,
        Key=f"{target}/{path}",
        Body="\n".join(lines).encode(),
        ContentType="application/vnd.apple.mpegurl",
    )
    return max(own, *durations)


def _read(key: str) -> bytes:
    try:
        answer = s3.get_object(Bucket=settings.s3_bucket_name, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise Problem(404, "movie_not_found", "there is no such film") from error
        raise
    body: bytes = answer["Body"].read()
    return body


def _presigned(key: str, seconds: int) -> str:
    url: str = signer.generate_presigned_url(
        "get_object", Params={"Bucket": settings.s3_bucket_name, "Key": key}, ExpiresIn=seconds
    )
    return url
