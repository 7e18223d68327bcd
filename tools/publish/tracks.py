"""The audio and subtitle tracks of a file that can be published, and why the others cannot."""

from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from tools.publish.channels import stereo_filter
from tools.publish.container import decoded, opened
from tools.publish.source import Track
from tools.publish.subtitle_formats import TEXT_CODECS

# How far into a track its first frame is looked for.
_PACKETS_UNTIL_A_FRAME = 400


def audio_tracks(path: Path, streams: list[Any], left_out: list[str]) -> list[Track]:
    """Return the audio tracks that can be decoded; note in `left_out` which cannot."""
    tracks = []
    for stream in streams:
        if stream.type != "audio":
            continue
        layout = _layout(path, stream.index)
        if layout is None:
            name = stream.codec_context.name if stream.codec_context else "sound of an unknown kind"
            left_out.append(f"audio track {stream.index}: {name} cannot be decoded")
        else:
            tracks.append(_track(stream, stereo_filter(layout)))
    return tracks


def _layout(path: Path, index: int) -> Any:
    """Return the channels of the first sound that can be decoded, None when none can."""
    with opened(path) as container:
        stream = container.streams[index]
        if stream.codec_context is None:
            return None
        try:
            for packet in islice(container.demux(stream), _PACKETS_UNTIL_A_FRAME):
                for frame in decoded(packet):
                    return frame.layout
        except av.error.FFmpegError:
            return None
    return None


def subtitle_tracks(streams: list[Any], left_out: list[str]) -> list[Track]:
    """Return the subtitle tracks that are text; note in `left_out` which are not."""
    tracks = []
    for stream in streams:
        if stream.type != "subtitle":
            continue
        track = _track(stream)
        if track.codec in TEXT_CODECS:
            tracks.append(track)
        else:
            left_out.append(
                f"subtitle track {track.index} ({track.language}): {track.codec} is no text"
            )
    return tracks


def _track(stream: Any, mix: str = "") -> Track:
    metadata = stream.metadata
    title = metadata.get("title") or metadata.get("name") or ""
    return Track(
        index=stream.index,
        codec=stream.codec_context.name if stream.codec_context else "an unknown codec",
        language=stream.language or "und",
        title=title.strip(),
        dispositions=frozenset(
            str(each.name).replace("_", " ") for each in Disposition if stream.disposition & each
        ),
        mix=mix,
    )
