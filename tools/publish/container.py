"""Opens a film's file without access to other files or hosts.

ffmpeg also reads playlists and scripts (HLS, DASH, concat, SDP, image sequences ...) that refer to
other files and hosts. Publishing such a file would publish their content.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import av.container

from tools.publish.errors import PublishError
from tools.publish.source import FilmFile

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


# Recordings that were joined are read as parts of the file, one after the other.
_OPTIONS_FOR_PARTS = {
    "protocol_whitelist": "file,subfile,data",
    "format_whitelist": f"{FORMATS},concat",
    "safe": "0",
}


def local_input(file: FilmFile) -> list[str]:
    """Return the ffmpeg options that read a film's file, for any file name."""
    form = ["-f", "concat"] if file.parts else []
    options = [part for name, value in _options(file).items() for part in (f"-{name}", value)]
    return [*form, *options, "-i", _url(file)]


@contextmanager
def opened(file: FilmFile) -> Iterator[av.container.InputContainer]:
    """Open a film's file. Raises `PublishError` if it cannot be read or is not a film."""
    path = file.path
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as error:
        raise PublishError(f"{path}: {error.strerror}") from None
    if is_empty:
        raise PublishError(f"{path}: ffmpeg cannot read it: the file is empty")
    try:
        container = av.open(
            _url(file), format="concat" if file.parts else None, options=_options(file)
        )
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


@contextmanager
def opened_part(path: Path, start: int, end: int) -> Iterator[av.container.InputContainer]:
    """Open the bytes from `start` to `end` of a file as a film. Raises ffmpeg's errors."""
    options = _OPTIONS_FOR_PARTS | {"format_whitelist": FORMATS}
    del options["safe"]
    with av.open(f"subfile,,start,{start},end,{end},,:{path.absolute()}", options=options) as found:
        yield found


def _options(file: FilmFile) -> dict[str, str]:
    return dict(_OPTIONS_FOR_PARTS if file.parts else OPTIONS)


def _url(file: FilmFile) -> str:
    path = str(file.path.absolute())
    if not file.parts:
        return f"file:{path}"
    quoted = path.replace("'", "'\\''")
    lines = ["ffconcat version 1.0"]
    for identifier in file.track_identifiers:
        lines += ["stream", f"exact_stream_id {identifier}"]
    for part in file.parts:
        lines += [
            f"file 'subfile,,start,{part.start},end,{part.end},,:{quoted}'",
            f"duration {part.seconds:.6f}",
        ]
    script = base64.b64encode("\n".join(lines).encode(errors="surrogateescape")).decode()
    return f"data:text/plain;base64,{script}"


def packets(
    container: av.container.InputContainer, streams: Sequence[Any]
) -> Iterator["av.Packet[Any]"]:
    """Yield the packets of some of a container's tracks, with an empty packet at each track's end.

    Raises ffmpeg's errors.
    """
    try:
        yield from container.demux(streams)
    except IndexError:
        # PyAV looks for the end of tracks that the container did not have at the start, too. Their
        # ends come last.
        return


def in_seconds(stamp: int, time_base: Any) -> float:
    """Return a time stamp in seconds, the same as `float(stamp * time_base)`.

    It is computed without another fraction, because films have a million packets.
    """
    seconds: float = stamp * time_base.numerator / time_base.denominator
    return seconds


def decoded(packet: "av.Packet[Any]") -> list[Any]:
    """Return the frames of a packet, none if it is damaged. Raises no ffmpeg error."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []


def drained(stream: Any) -> list[Any]:
    """Return the frames that a track's decoder has kept. Raises no ffmpeg error.

    The decoder has to be flushed before it decodes again.
    """
    try:
        return list(stream.codec_context.decode(None))
    except av.error.FFmpegError:
        return []


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error)
