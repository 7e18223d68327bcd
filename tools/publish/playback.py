"""One playback of the film to its end, all tracks decoded, as proof that it plays."""

import re
import tempfile
from pathlib import Path

from tools.publish import ffmpeg
from tools.publish.errors import PublishError
from tools.publish.packaging.film import PackagedFilm

_TOLERANCE_SECONDS = 1.0
_TROUBLE = re.compile(
    r"\[(?:error|fatal|panic)\]|HTTP error|[Ff]ailed to open|blocked for security"
)
_STREAM = re.compile(r"^(?:\[info\])? *Stream #0:\d+.*?: (Video|Audio|Subtitle): ", re.MULTILINE)


def play(manifest: str, film: PackagedFilm, on_seconds: ffmpeg.OnSeconds) -> None:
    """Play `manifest`, a URL or a path, to the end.

    Raises `PublishError` when a byte of it cannot be read or decoded, or tracks are missing.
    """
    arguments = [
        *("-loglevel", "level+info", "-protocol_whitelist", "file,http,https,tcp,tls,crypto"),
        *("-i", manifest, "-map", "0", "-c:s", "copy", "-f", "null", "-"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        seconds, log = ffmpeg.run(arguments, cwd=Path(folder), on_seconds=on_seconds)
    for line in log.splitlines():
        if _TROUBLE.search(line):
            raise PublishError(f"it does not play: {_without_signature(line)}")
    if seconds < film.seconds - _TOLERANCE_SECONDS:
        raise PublishError(f"it ends after {seconds:.1f} of {film.seconds:.1f} seconds")
    found = [match[1] for match in _STREAM.finditer(log.partition("Stream mapping:")[0])]
    for kind, tracks in (("Video", film.video), ("Audio", film.audio), ("Subtitle", film.text)):
        if found.count(kind) < len(tracks):
            raise PublishError(f"{found.count(kind)} of {len(tracks)} {kind.lower()} tracks play")


def _without_signature(line: str) -> str:
    """Leave out what would let every reader of the message read the film."""
    return re.sub(r"\?[^\s'\"]*", "", line).strip()
