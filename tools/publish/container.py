"""Opens a film's file without access to other files or hosts.

ffmpeg also reads playlists and scripts (HLS, DASH, concat, SDP, image sequences ...) that refer to
other files and hosts. Publishing such a file would publish their content.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import av.container

from tools.publish.errors import PublishError

# Container formats with the whole film in one file, by the names of ffmpeg's demuxers.
FORMATS = ",".join(
    (
        *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "mpegts", "mpeg"),
        *("mpegvideo", "m4v", "h264", "hevc", "vvc", "vc1", "obu", "ivf", "avi", "flv", "asf"),
        *("ogg", "mxf", "gxf", "wtv", "rm", "nut", "dv", "nsv", "yuv4mpegpipe", "gif", "mjpeg"),
        *("amv", "bink", "pva", "smk", "swf", "ty", "vivo", "aac", "ac3", "flac", "mp3", "wav"),
    )
)
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}


def local_input(path: Path) -> list[str]:
    """Return the ffmpeg options that read `path` as a film's file, for any file name."""
    options = [part for name, value in OPTIONS.items() for part in (f"-{name}", value)]
    return [*options, "-i", f"file:{path.absolute()}"]


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a film's file. Raises `PublishError` if it cannot be read or is not a film."""
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as error:
        raise PublishError(f"{path}: {error.strerror}") from None
    if is_empty:
        raise PublishError(f"{path}: ffmpeg cannot read it: the file is empty")
    try:
        container = av.open(f"file:{path.absolute()}", options=dict(OPTIONS))
    except av.error.ArgumentError:
        raise PublishError(
            f"{path}: ffmpeg cannot read it as a film: its format is not that of a film, or refers "
            "to other files, like a playlist"
        ) from None
    except (av.error.FFmpegError, ValueError) as error:
        raise PublishError(
            f"{path}: ffmpeg cannot read it: {_reason(error)}; it is not a film, or it is damaged "
            "or incomplete"
        ) from None
    with container:
        yield container


def decoded(packet: "av.Packet[Any]") -> list[Any]:
    """Return the frames of a packet, none if it is damaged. Raises no ffmpeg error."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error)
