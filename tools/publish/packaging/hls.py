"""The film in HLS (RFC 8216 and its revision): a multivariant playlist, one playlist per track."""

import math
from collections.abc import Iterable

from tools.publish.encoding import INITIALIZATION
from tools.publish.packaging.film import Audio, Label, PackagedFilm, Segments, Text, Video

PLAYLIST = "index.m3u8"

_VERSION = 7
_AUDIO_GROUP, _TEXT_GROUP = "audio", "subtitles"
_CAPTIONS = "public.accessibility.transcribes-spoken-dialog"
_SOUNDS = "public.accessibility.describes-music-and-sound"
_DESCRIPTION = "public.accessibility.describes-video"


def multivariant(film: PackagedFilm) -> str:
    """Return the multivariant playlist, which players open."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS", ""]
    lines += [_audio(track) for track in film.audio]
    lines += [_text(track) for track in film.text]
    for video in _starting_in_the_middle(film.video):
        lines += [_variant(video, film), f"{video.path}/{PLAYLIST}"]
    return "\n".join((*lines, ""))


def media(segments: Segments) -> str:
    """Return the playlist of a track, for the folder of its segments."""
    entries = [
        (length / segments.timescale, f"{number:05d}.m4s")
        for number, length in enumerate(segments.durations, 1)
    ]
    header = ["#EXT-X-INDEPENDENT-SEGMENTS", f'#EXT-X-MAP:URI="{INITIALIZATION}"']
    return _playlist(header, entries)


def subtitles(text: Text, seconds: float) -> str:
    """Return the playlist of a subtitle track, which consists of one file."""
    return _playlist([], [(seconds, text.path.rpartition("/")[2])])


def _playlist(header: Iterable[str], entries: list[tuple[float, str]]) -> str:
    # No rounded duration may exceed the target duration.
    target = max(1, math.floor(max(seconds for seconds, _ in entries) + 0.5))
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", f"#EXT-X-TARGETDURATION:{target}"]
    lines += ["#EXT-X-MEDIA-SEQUENCE:1", "#EXT-X-PLAYLIST-TYPE:VOD", *header]
    for seconds, uri in entries:
        lines += [f"#EXTINF:{seconds:.6f},", uri]
    return "\n".join((*lines, "#EXT-X-ENDLIST", ""))


def _starting_in_the_middle(videos: Iterable[Video]) -> list[Video]:
    """Return the renditions with a middle one first, because HLS players start with the first."""
    rest = list(videos)
    first = rest.pop(len(rest) // 2)
    return [first, *rest]


def _variant(video: Video, film: PackagedFilm) -> str:
    sound = [track.segments for track in film.audio]
    codecs = dict.fromkeys([video.segments.codecs, *(each.codecs for each in sound)])
    peak = video.segments.peak_rate + max((each.peak_rate for each in sound), default=0)
    average = video.segments.average_rate + max((each.average_rate for each in sound), default=0)
    attributes = [
        f"BANDWIDTH={peak}",
        f"AVERAGE-BANDWIDTH={average}",
        f'CODECS="{",".join(codecs)}"',
        f"RESOLUTION={video.rung.width}x{video.rung.height}",
        f"FRAME-RATE={float(video.frame_rate):.3f}",
        "VIDEO-RANGE=SDR",
    ]
    attributes += [f'AUDIO="{_AUDIO_GROUP}"'] if film.audio else []
    attributes += [f'SUBTITLES="{_TEXT_GROUP}"'] if film.text else []
    return f"#EXT-X-STREAM-INF:{','.join(attributes)},CLOSED-CAPTIONS=NONE"


def _audio(track: Audio) -> str:
    is_chosen = track.is_default or not track.label.has("comment")
    return _rendition(
        "AUDIO",
        _AUDIO_GROUP,
        track.label,
        f"DEFAULT={_yes(track.is_default)}",
        f"AUTOSELECT={_yes(is_chosen)}",
        'CHANNELS="2"',
        *_characteristics(track.label),
        f'URI="{track.path}/{PLAYLIST}"',
    )


def _text(track: Text) -> str:
    return _rendition(
        "SUBTITLES",
        _TEXT_GROUP,
        track.label,
        "DEFAULT=NO",
        "AUTOSELECT=YES",
        f"FORCED={_yes(track.label.has('forced'))}",
        *_characteristics(track.label),
        f'URI="{track.playlist}"',
    )


def _rendition(kind: str, group: str, label: Label, *attributes: str) -> str:
    language = (f'LANGUAGE="{label.language}"',) if label.language else ()
    named = (f"TYPE={kind}", f'GROUP-ID="{group}"', f'NAME="{label.name}"', *language, *attributes)
    return f"#EXT-X-MEDIA:{','.join(named)}"


def _characteristics(label: Label) -> tuple[str, ...]:
    if label.has("hearing impaired", "captions"):
        return (f'CHARACTERISTICS="{_CAPTIONS},{_SOUNDS}"',)
    if label.has("visual impaired", "descriptions"):
        return (f'CHARACTERISTICS="{_DESCRIPTION}"',)
    return ()


def _yes(answer: bool) -> str:  # noqa: FBT001 - its only argument
    return "YES" if answer else "NO"
