"""The package of a film: a folder with the layout of the film's prefix in the bucket.

The manifests and the poster have fixed names; everything to which they refer is in a folder of this
publication. Therefore replacing the manifests replaces the film, and a player of the former
publication still finds its segments.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.publish import encoding, subtitles
from tools.publish.encoding import Encoder
from tools.publish.errors import PublishError
from tools.publish.inspection import inspect, undecodable_packets
from tools.publish.ladder import ladder
from tools.publish.packaging import dash, hls
from tools.publish.packaging.film import Audio, PackagedFilm, Text, Video
from tools.publish.packaging.labels import labels_of
from tools.publish.packaging.timeline import read_timeline
from tools.publish.source import Source

ENTRIES = (encoding.POSTER, dash.MANIFEST, hls.PLAYLIST)
"""The objects with fixed names, in the order of their upload."""


@dataclass(frozen=True, slots=True)
class Package:
    """A film in `folder`, with its segments in the subfolder `version`.

    `notes` are warnings for the user.
    """

    folder: Path
    version: str
    film: PackagedFilm
    notes: tuple[str, ...] = ()


def new_version(now: float) -> str:
    """Return a name for a publication that sorts by time: `20260131T120000Z-9f2c41d0`."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)) + "-" + os.urandom(4).hex()


def package(
    source: Source,
    folder: Path,
    *,
    version: str,
    title: str,
    preset: str,
    on_seconds: Callable[[float], None],
    subtitle_encoding: str = "",
    is_incomplete_allowed: bool = False,
) -> Package:
    """Encode `source` to `folder`, which must not exist.

    `subtitle_encoding` is that of subtitles that are not UTF-8, empty to detect it.
    Raises `PublishError`, even if only too little of a damaged source can be decoded, unless
    `is_incomplete_allowed`.
    """
    content = folder / version
    content.mkdir(parents=True)
    video = source.video
    rungs = ladder(video.width, video.height, video.frame_rate)
    told = Encoder(source, rungs, preset).encode(content, on_seconds)
    streams = read_timeline(content / encoding.TIMELINE)
    (content / encoding.TIMELINE).unlink()
    videos = [
        Video(f"{version}/video-{rung.width}x{rung.height}", rung, video.frame_rate, segments)
        for rung, segments in zip(rungs, streams, strict=False)
    ]
    first = _first_choice(source)
    audios = [
        Audio(f"{version}/audio-{number}", label, number == first, segments)
        for number, (label, segments) in enumerate(
            zip(labels_of(source.audio), streams[len(rungs) :], strict=True), 1
        )
    ]
    tracks: list[Video | Audio] = [*videos, *audios]
    for number, track in enumerate(tracks):
        (content / str(number)).rename(folder / track.path)
        (folder / track.path / hls.PLAYLIST).write_text(hls.media(track.segments))
    longest = max(segments.seconds for segments in streams)
    texts, notes = _texts(source, folder, version, longest, subtitle_encoding)
    film = PackagedFilm(title, videos, audios, texts)
    largest = videos[0]
    rendition = folder / largest.path / hls.PLAYLIST
    encoding.take_poster(rendition, largest.rung, longest, folder / encoding.POSTER)
    (folder / hls.PLAYLIST).write_text(hls.multivariant(film), "utf-8")
    (folder / dash.MANIFEST).write_text(dash.presentation(film), "utf-8")
    lost = undecodable_packets(told)
    if lost:
        notes.append(f"packets of the file that cannot be decoded: {lost}")
    try:
        inspect(source, told, film, folder / hls.PLAYLIST)
    except PublishError as error:
        if not lost:
            raise
        if not is_incomplete_allowed:
            raise PublishError(
                f"{source.path}: the file is damaged, packets that cannot be decoded: {lost}; "
                f'{error}; PUBLISH_ARGS="--incomplete" publishes the readable part'
            ) from error
        notes.append(str(error))
    return Package(folder, version, film, tuple(notes))


def _first_choice(source: Source) -> int:
    """Return the number of the audio track that players select by default."""
    marked = (n for n, track in enumerate(source.audio, 1) if "default" in track.dispositions)
    return next(marked, 1)


def _texts(
    source: Source, folder: Path, version: str, seconds: float, encoding: str
) -> tuple[list[Text], list[str]]:
    paths = [f"{version}/text-{n}.vtt" for n in range(1, len(source.subtitles) + 1)]
    outputs = list(zip(source.subtitles, (folder / path for path in paths), strict=True))
    notes = subtitles.extract(source, outputs, seconds=seconds, encoding_if_not_utf_8=encoding)
    texts = []
    for path, label in zip(paths, labels_of(source.subtitles), strict=True):
        if "-->" not in (folder / path).read_text("utf-8"):
            notes.append(f"the subtitles {label.name!r} are left out: they are empty")
            (folder / path).unlink()
            continue
        size = (folder / path).stat().st_size
        text = Text(path, path.removesuffix("vtt") + "m3u8", label, size)
        (folder / text.playlist).write_text(hls.subtitles(text, seconds))
        texts.append(text)
    return texts, notes
