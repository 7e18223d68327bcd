"""Makes a private film playable: copies of its playlists whose URIs are presigned.

HLS only: of DASH the manifest itself is presigned.
"""

import re
from posixpath import dirname, join, normpath
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

MOST_DAYS_SECONDS = 7 * 24 * 3600
URI = re.compile(r'URI="([^"]+)"')


class FilmNotFoundError(Exception):
    """The bucket has no such film."""


class FilmCopies:
    """The copies that one service makes.

    Args:
        s3: A client of boto3 that reads films and writes copies.
        signer: A client of boto3 whose URLs players get.
        bucket: The bucket of the films and of the copies.
        prefix: Distinguishes the copies of services.
    """

    def __init__(self, s3: Any, signer: Any, bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._signer = signer
        self._bucket = bucket
        self._prefix = prefix

    def publish(self, movie_id: UUID, manifest_type: str, window: int) -> dict[str, Any]:
        """Copy a film for a window of time; return its key, and its duration in seconds if known.

        Raises `FilmNotFoundError`.
        """
        source = f"movies/{movie_id}"
        if manifest_type == "dash":
            key = f"{source}/index.mpd"
            self._read(key)
            return {"key": key, "duration_seconds": None}
        target = f"playback/{self._prefix}-{window}/{source}"
        duration = self._copy_playlist(source, target, "index.m3u8")
        return {"key": f"{target}/index.m3u8", "duration_seconds": round(duration) or None}

    def presigned(self, key: str, seconds: int) -> str:
        """Return a URL of an object that is valid for so many seconds."""
        url: str = self._signer.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
        )
        return url

    def _copy_playlist(self, source: str, target: str, path: str) -> float:
        """Copy a playlist and those that it names; return the duration of the longest."""
        durations = [0.0]
        own = 0.0

        def signed(uri: str) -> str:
            resolved = normpath(join(dirname(path), uri))
            if "://" in uri or resolved.startswith(".."):
                return uri
            if resolved.endswith(".m3u8"):
                durations.append(self._copy_playlist(source, target, resolved))
                return self.presigned(f"{target}/{resolved}", MOST_DAYS_SECONDS)
            return self.presigned(f"{source}/{resolved}", MOST_DAYS_SECONDS)

        lines = []
        for line in self._read(f"{source}/{path}").decode().splitlines():
            if line.startswith("#EXTINF:"):
                own += float(line.removeprefix("#EXTINF:").split(",")[0])
            if line.startswith("#"):
                lines.append(URI.sub(lambda found: f'URI="{signed(found[1])}"', line))
            else:
                lines.append(signed(line) if line else line)
        self._s3.put_object(
            Bucket=self._bucket,
            Key=f"{target}/{path}",
            Body="\n".join(lines).encode(),
            ContentType="application/vnd.apple.mpegurl",
        )
        return max(own, *durations)

    def _read(self, key: str) -> bytes:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise FilmNotFoundError(key) from error
            raise
        body: bytes = answer["Body"].read()
        return body
