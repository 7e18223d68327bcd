"""Converts text subtitles to WebVTT, which every player supports."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.publish.container import opened, packets
from tools.publish.languages import language_of
from tools.publish.source import FilmFile, Source, Track
from tools.publish.subtitle_encoding import encoding_of, is_utf_8
from tools.publish.subtitle_formats import TO_CUE, unwrapped_mov_text

_MICROSECONDS = 1_000_000
# The maximum duration of a cue without an end, which lasts until the next one.
_LONGEST_OPEN_SECONDS = 5.0
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_LINE_ENDS = re.compile(r"\r\n?")
_LANGUAGE_IN_NAME = re.compile(r"\.([A-Za-z]{2,3}(?:-[A-Za-z]+)?)$")


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that are shown from `start` to `end` in seconds; None: until the next cue."""

    start: float
    end: float | None
    words: bytes


def extract(
    source: Source,
    outputs: Sequence[tuple[Track, Path]],
    *,
    seconds: float,
    encoding_if_not_utf_8: str = "",
) -> list[str]:
    """Write text tracks as WebVTT; no cue extends beyond the film.

    The encoding of a track that is not UTF-8 is detected unless it is given. Returns warnings for
    the user. Raises `PublishError` if the file cannot be read.
    """
    cues = _read(source.file, [track.index for track, _ in outputs])
    notes = []
    for track, path in outputs:
        words = [cue.words for cue in cues[track.index]]
        if is_utf_8(words):
            encoding = "utf-8"
        elif encoding_if_not_utf_8:
            encoding = encoding_if_not_utf_8
        else:
            language = _language(track, source.path)
            encoding = encoding_of(words, language)
            hint = f", chosen by its language {language}" if language else ""
            notes.append(
                f"subtitle track {track.index} is read as {encoding}, which is a guess{hint}; "
                'PUBLISH_ARGS="--subtitle-encoding NAME" sets another one'
            )
        path.write_text(_webvtt(cues[track.index], track.codec, encoding, seconds), "utf-8")
    return notes


def _language(track: Track, path: Path) -> str:
    """Return the language of a track, else that in the file's name (`film.ja.mkv`), as its tag."""
    in_name = _LANGUAGE_IN_NAME.search(path.stem)
    codes = (track.language, in_name[1] if in_name else "")
    languages = (language_of(code) for code in codes)
    return next((each.tag for each in languages if each), "")


def _read(file: FilmFile, indices: Sequence[int]) -> dict[int, list[Cue]]:
    cues: dict[int, list[Cue]] = {index: [] for index in indices}
    if not cues:
        return cues
    with opened(file) as container:
        streams = [container.streams[index] for index in indices]
        begins_at = (container.start_time or 0) / _MICROSECONDS
        codecs = {stream.index: stream.codec_context.name for stream in streams}
        for packet in packets(container, streams):
            if packet.size and packet.pts is not None:
                cues[packet.stream_index].append(_cue(packet, codecs, begins_at))
    return cues


def _cue(packet: Any, codecs: dict[int, str], begins_at: float) -> Cue:
    start = float(packet.pts * packet.time_base) - begins_at
    end = start + float(packet.duration * packet.time_base) if packet.duration else None
    words = bytes(packet)
    if codecs[packet.stream_index] == "mov_text":
        words = unwrapped_mov_text(words)
    return Cue(start, end, words)


def _webvtt(cues: Iterable[Cue], codec: str, encoding: str, seconds: float) -> str:
    ordered = sorted(cues, key=lambda cue: cue.start)
    blocks = ["WEBVTT\n"]
    for cue, following in zip(ordered, (*ordered[1:], None), strict=True):
        # ffmpeg ends some texts of its packets with a NUL.
        text = cue.words.decode(encoding, "replace").replace("\0", "")
        # An empty line ends a cue, and a CR ends a line.
        lines = _LINE_ENDS.sub("\n", TO_CUE[codec](text))
        words = _BLANK_LINES.sub("\n", lines.strip())
        open_end = min(following.start if following else seconds, cue.start + _LONGEST_OPEN_SECONDS)
        # For players, a cue that ends after the film would extend the film.
        start, end = max(0.0, cue.start), min(cue.end or open_end, seconds)
        if words and start < end:
            blocks.append(f"{_time(start)} --> {_time(end)}\n{words}\n")
    return "\n".join(blocks)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
