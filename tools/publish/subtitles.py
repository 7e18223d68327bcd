"""Converts text subtitles to WebVTT, which every player supports."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes

from tools.publish.container import opened
from tools.publish.source import Source, Track
from tools.publish.subtitle_formats import TO_CUE, unwrapped_mov_text

_MICROSECONDS = 1_000_000
# The maximum duration of a cue without an end, which lasts until the next one.
_LONGEST_OPEN_SECONDS = 5.0
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
# The usual encoding of old files in Western languages.
_BY_DEFAULT = "cp1252"
_LEAST_LETTERS_TO_TELL_BY = 64
_RUNS_OF_LETTERS = re.compile(rb"[\xc0-\xff]+")


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that are shown from `start` to `end` in seconds; None: until the next cue."""

    start: float
    end: float | None
    words: bytes


def extract(source: Source, outputs: Sequence[tuple[Track, Path]], *, seconds: float) -> list[str]:
    """Write text tracks as WebVTT; no cue extends beyond the film.

    Returns warnings for the user. Raises `PublishError` if the file cannot be read.
    """
    cues = _read(source.path, [track.index for track, _ in outputs])
    notes = []
    for track, path in outputs:
        encoding = encoding_of(cue.words for cue in cues[track.index])
        if encoding != "utf-8":
            notes.append(f"subtitle track {track.index} is read as {encoding}, which is a guess")
        path.write_text(_webvtt(cues[track.index], track.codec, encoding, seconds), "utf-8")
    return notes


def encoding_of(texts: Iterable[bytes]) -> str:
    """Return the encoding of subtitles: UTF-8 if they are valid UTF-8, else the likeliest one."""
    each_text = list(texts)
    whole = b"".join(each_text)
    if all(map(_is_utf_8, each_text)):
        return "utf-8"
    if whole.count(b"\0") > len(whole) // 4:
        return "utf-16-le" if whole[1::2].count(0) >= whole[::2].count(0) else "utf-16-be"
    letters = _RUNS_OF_LETTERS.findall(whole)
    is_western = sum(len(run) == 1 for run in letters) * 2 > len(letters)
    # With few accented letters, a guess would be arbitrary.
    if is_western and len(letters) < _LEAST_LETTERS_TO_TELL_BY:
        return _BY_DEFAULT
    best = from_bytes(whole).best()
    return best.encoding.replace("_", "-") if best else _BY_DEFAULT


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read(path: Path, indices: Sequence[int]) -> dict[int, list[Cue]]:
    cues: dict[int, list[Cue]] = {index: [] for index in indices}
    if not cues:
        return cues
    with opened(path) as container:
        streams = [container.streams[index] for index in indices]
        begins_at = (container.start_time or 0) / _MICROSECONDS
        codecs = {stream.index: stream.codec_context.name for stream in streams}
        for packet in container.demux(streams):
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
        text = cue.words.decode(encoding, "replace").replace("\0", "").replace("\r\n", "\n")
        words = _BLANK_LINES.sub("\n", TO_CUE[codec](text).strip())
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
