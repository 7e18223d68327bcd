"""Uploads complete films to the bucket, once, with the correct content types."""

from functools import partial
from pathlib import Path
from typing import Any

from local.demo_film import DEMO_FILMS, DemoFilm
from local.servers.server import NotReadyError, await_condition

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".ts": "video/mp2t",
    ".vtt": "text/vtt",
}
MANIFESTS = (".m3u8", ".mpd")


def upload_missing(folder: Path, *, client: Any, bucket: str) -> int:
    """Upload the demo films of `folder` that the bucket lacks; return the number of objects."""
    return sum(upload(film, folder, client=client, bucket=bucket) for film in DEMO_FILMS)


def await_readable(*, client: Any, bucket: str) -> None:
    """Wait until every object of the demo films can be read.

    After a restart the store lists its objects before the volumes with their content are available.
    Raises ``LocalError`` after the time limit of ``await_condition``.
    """
    for film in DEMO_FILMS:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=f"movies/{film.movie_id}/")
        for entry in answer.get("Contents", ()):
            read = partial(_read_a_byte, client, bucket, entry["Key"])
            await_condition(read, what=f"S3 with the film {film.movie_id}")


def _read_a_byte(client: Any, bucket: str, key: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise NotReadyError(str(error)) from None


def upload(film: DemoFilm, folder: Path, *, client: Any, bucket: str) -> int:
    """Upload one film unless the bucket has it; return the number of uploaded objects.

    Manifests are uploaded last, so that a film that can be started is complete.
    """
    prefix = f"movies/{film.movie_id}/"
    answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
    present = {entry["Key"] for entry in answer.get("Contents", ())}
    if all(prefix + manifest in present for manifest in film.manifests):
        return 0
    files = [path for path in (folder / film.movie_id).rglob("*") if path.is_file()]
    files.sort(key=lambda path: (path.name in film.manifests, path.suffix in MANIFESTS, path))
    for path in files:
        client.put_object(
            Bucket=bucket,
            Key=prefix + path.relative_to(folder / film.movie_id).as_posix(),
            Body=path.read_bytes(),
            ContentType=CONTENT_TYPES.get(path.suffix, "application/octet-stream"),
        )
    return len(files)
