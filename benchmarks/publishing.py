"""The cost of publishing a long film: three hours, two-second segments, nine renditions.

Each publication runs in a separate process, so that memory and processor time are those of the
publication and the interpreter. The bucket is a dictionary, so the network is not measured.
"""

import resource
import subprocess
import sys
from datetime import UTC, datetime

from benchmarks.films import BUCKET_URL, MOVIE_ID, dash_film, hls_film
from streaming.delivery.publisher import Publisher
from streaming.delivery.windows import Window
from streaming.domain.films import ManifestType
from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey
from streaming.storage.errors import ObjectNotFound

SEGMENT_SECONDS = 2
SEGMENTS = 3 * 3600 // SEGMENT_SECONDS
RENDITIONS = 9
MEBIBYTE = 1024 if sys.platform == "linux" else 1024 * 1024


class MemoryBucket:
    """A bucket that counts the written bytes."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects
        self.written_bytes = 0

    def read(self, key: str, largest: int) -> bytes:
        """Return an object's bytes. Raises ``ObjectNotFound``."""
        if key not in self._objects:
            raise ObjectNotFound(key)
        return self._objects[key]

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Count an object's bytes."""
        self.written_bytes += len(body)


def main() -> None:
    """Print processor seconds and peak memory for HLS and for DASH."""
    print(f"publishing 3 h in {RENDITIONS} renditions, {RENDITIONS * SEGMENTS:,} URLs")
    for manifest_type in ("hls", "dash"):
        command = [sys.executable, "-m", "benchmarks.publishing", manifest_type]
        sys.stdout.write(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def publish(manifest_type: ManifestType) -> None:
    """Publish once and print the processor time, memory and bytes written."""
    if manifest_type == "hls":
        manifests = hls_film(RENDITIONS, SEGMENTS, SEGMENT_SECONDS)
    else:
        manifests = {"index.mpd": dash_film(RENDITIONS, SEGMENTS, SEGMENT_SECONDS)}
    bucket = MemoryBucket({f"movies/{MOVIE_ID}/{path}": body for path, body in manifests.items()})
    signer = S3Signer(SigningKey("key", "secret"), region="eu-central-1", bucket="vod")
    publisher = Publisher(bucket, signer, "benchmark", (BUCKET_URL,))
    before = resource.getrusage(resource.RUSAGE_SELF)
    publisher.publish(MOVIE_ID, manifest_type, Window.at(datetime.now(UTC), 3600), "", None)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"  {manifest_type:<5} {seconds:>6.2f} s of processor time, peak memory "
        f"{after.ru_maxrss / MEBIBYTE:.0f} MiB, {bucket.written_bytes / 2**20:.1f} MiB written"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        publish("dash" if sys.argv[1] == "dash" else "hls")
    else:
        main()
