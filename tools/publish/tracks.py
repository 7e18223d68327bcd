"""The audio and subtitle tracks that can be published, and the reasons for leaving others out."""

from itertools import islice
from typing import Any

import av
from av.stream import Disposition

from tools.publish.channels import stereo_filter
from tools.publish.container import decoded, opened, packets
from tools.publish.source import FilmFile, Track
from tools.publish.subtitle_formats import TEXT_CODECS

# The number of packets in which the first frame of a track is searched.
_PACKETS_UNTIL_A_FRAME = 400


def audio_tracks(file: FilmFile, streams: list[Any], left_out: list[str]) -> list[Track]:
    """Return the audio tracks that can be decoded; append the others to `left_out`."""
    tracks = []
    for stream in streams:
        if stream.type != "audio":
            continue
        layout = _layout(file, stream.index)
        if layout is None:
            name = stream.codec_context.name if stream.codec_context else "sound of an unknown kind"
            left_out.append(f"audio track {stream.index}: {name} cannot be decoded")
        else:
            tracks.append(_track(stream, stereo_filter(layout)))
    return tracks


def _layout(file: FilmFile, index: int) -> Any:
    """Return the channel layout of the first frame that can be decoded, None if there is none."""
    with opened(file) as container:
        stream = container.streams[index]
        if stream.codec_context is None:
            return None
        try:
            for packet in islice(packets(container, [stream]), _PACKETS_UNTIL_A_FRAME):
                for frame in decoded(packet):
                    return frame.layout
        except av.error.FFmpegError:
            return None
    return None


def subtitle_tracks(streams: list[Any], left_out: list[str]) -> list[Track]:
    """Return the subtitle tracks that are text; append the others to `left_out`."""
    tracks = []
    for stream in streams:
        if stream.type != "subtitle":
            continue
        track = _track(stream)
        if track.codec in TEXT_CODECS:
            tracks.append(track)
        else:
            left_out.append(
                f"subtitle track {track.index} ({track.language}): {track.codec} is not text"
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
