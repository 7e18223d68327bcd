"""Plays the film to its end and decodes all tracks, to verify that it plays."""

import re
import tempfile
from pathlib import Path

from tools.publish import ffmpeg
from tools.publish.errors import DoesNotPlay, PublishError
from tools.publish.packaging.film import PackagedFilm

_TOLERANCE_SECONDS = 1.0
# ffmpeg's DASH demuxer ignores a duration of less than a second, and starts again at the end.
_READ_ONCE_SECONDS = 1.0
_READ_AGAIN = "non monotonically increasing dts"
_TROUBLE = re.compile(
    r"\[(?:error|fatal|panic)\]|HTTP error|[Ff]ailed to open|blocked for security"
)
_STREAM = re.compile(r"^(?:\[info\])? *Stream #0:\d+.*?: (Video|Audio|Subtitle): ", re.MULTILINE)


def play(manifest: str, film: PackagedFilm, on_seconds: ffmpeg.OnSeconds) -> None:
    """Play `manifest`, a URL or a path, to the end.

    Raises `DoesNotPlay` if any of it cannot be read or decoded, or if tracks are missing.
    """
    arguments = [
        *("-loglevel", "level+info", "-protocol_whitelist", "file,http,https,tcp,tls,crypto"),
        *("-i", manifest, "-map", "0", "-c:s", "copy", "-f", "null", "-"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = ffmpeg.run(arguments, cwd=Path(folder), on_seconds=on_seconds)
        except PublishError as error:
            raise DoesNotPlay(f"it does not play: {_without_signature(str(error))}") from None
    is_read_twice = film.seconds < _READ_ONCE_SECONDS
    for line in run.log.splitlines():
        if _TROUBLE.search(line) and not (is_read_twice and _READ_AGAIN in line):
            raise DoesNotPlay(f"it does not play: {_without_signature(line)}")
    if run.seconds < film.seconds - _TOLERANCE_SECONDS:
        raise DoesNotPlay(f"it ends after {run.seconds:.1f} of {film.seconds:.1f} seconds")
    found = [match[1] for match in _STREAM.finditer(run.log.partition("Stream mapping:")[0])]
    for kind, tracks in (("Video", film.video), ("Audio", film.audio), ("Subtitle", film.text)):
        if found.count(kind) < len(tracks):
            raise DoesNotPlay(f"{found.count(kind)} of {len(tracks)} {kind.lower()} tracks play")


def _without_signature(line: str) -> str:
    """Remove the query of URLs, because a signature gives access to the film."""
    return re.sub(r"\?[^\s'\"]*", "", line).strip()
