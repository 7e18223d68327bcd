"""The film in DASH (ISO/IEC 23009-1): one MPD for the segments, which HLS shares."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby
from xml.etree import ElementTree as ET

from tools.publish.encoding import INITIALIZATION, SEGMENT
from tools.publish.packaging.film import Audio, Label, PackagedFilm, Segments, Text, Video

MANIFEST = "index.mpd"

_PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"
_ROLE = "urn:mpeg:dash:role:2011"
_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


def presentation(film: PackagedFilm) -> str:
    """Return the MPD."""
    longest = max(segments.longest_seconds for segments in film.segments)
    root = ET.Element(
        "MPD",
        {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            "profiles": _PROFILE,
            "type": "static",
            "mediaPresentationDuration": _duration(film.seconds),
            "maxSegmentDuration": _duration(longest),
            "minBufferTime": _duration(longest),
        },
    )
    if film.title:
        ET.SubElement(ET.SubElement(root, "ProgramInformation"), "Title").text = film.title
    period = ET.SubElement(root, "Period", {"id": "0", "start": "PT0S"})
    _video(period, film.video)
    for number, audio in enumerate(film.audio, 1):
        _audio(period, audio, str(number))
    for number, text in enumerate(film.text, 1 + len(film.audio)):
        _text(period, text, str(number), film.seconds)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, "unicode")}\n'


def _video(period: ET.Element, videos: Iterable[Video]) -> None:
    videos = list(videos)
    rungs = [video.rung for video in videos]
    shape = Fraction(rungs[0].width, rungs[0].height).limit_denominator(100)
    adaptation_set = _adaptation_set(
        period,
        "0",
        "video",
        {
            "mimeType": "video/mp4",
            "maxWidth": str(max(rung.width for rung in rungs)),
            "maxHeight": str(max(rung.height for rung in rungs)),
            "frameRate": str(videos[0].frame_rate),
            "par": f"{shape.numerator}:{shape.denominator}",
        },
    )
    for video in videos:
        size = {"width": str(video.rung.width), "height": str(video.rung.height), "sar": "1:1"}
        _representation(adaptation_set, video.path, video.segments, size)


def _audio(period: ET.Element, audio: Audio, number: str) -> None:
    adaptation_set = _adaptation_set(period, number, "audio", {"mimeType": "audio/mp4"})
    _describe(adaptation_set, audio.label, *_audio_roles(audio))
    rate = {"audioSamplingRate": str(audio.segments.timescale)}
    representation = _representation(adaptation_set, audio.path, audio.segments, rate)
    channels = ET.Element("AudioChannelConfiguration", {"schemeIdUri": _CHANNELS, "value": "2"})
    representation.insert(0, channels)


def _text(period: ET.Element, text: Text, number: str, seconds: float) -> None:
    adaptation_set = _adaptation_set(period, number, "text", {"mimeType": "text/vtt"})
    _describe(adaptation_set, text.label, _text_role(text.label))
    attributes = {
        "id": text.path.rpartition("/")[2].removesuffix(".vtt"),
        "bandwidth": str(max(1, round(text.size * 8 / seconds))),
    }
    representation = ET.SubElement(adaptation_set, "Representation", attributes)
    ET.SubElement(representation, "BaseURL").text = text.path


def _adaptation_set(
    period: ET.Element, number: str, kind: str, attributes: dict[str, str]
) -> ET.Element:
    aligned = {"segmentAlignment": "true", "startWithSAP": "1"} if kind != "text" else {}
    named = {"id": number, "contentType": kind, **attributes, **aligned}
    return ET.SubElement(period, "AdaptationSet", named)


def _describe(adaptation_set: ET.Element, label: Label, *roles: str) -> None:
    if label.language:
        adaptation_set.set("lang", label.language)
    for role in roles:
        ET.SubElement(adaptation_set, "Role", {"schemeIdUri": _ROLE, "value": role})
    ET.SubElement(adaptation_set, "Label").text = label.name


def _audio_roles(audio: Audio) -> tuple[str, ...]:
    if audio.label.has("visual impaired", "descriptions"):
        return ("alternate", "description")
    if audio.label.has("comment"):
        return ("alternate", "commentary")
    return ("main",) if audio.is_default else ("alternate",)


def _text_role(label: Label) -> str:
    if label.has("forced"):
        return "forced-subtitle"
    return "caption" if label.has("hearing impaired", "captions") else "subtitle"


def _representation(
    adaptation_set: ET.Element, path: str, segments: Segments, attributes: dict[str, str]
) -> ET.Element:
    described = {
        "id": path.rpartition("/")[2],
        "codecs": segments.codecs,
        "bandwidth": str(segments.peak_rate),
        **attributes,
    }
    representation = ET.SubElement(adaptation_set, "Representation", described)
    template = ET.SubElement(
        representation,
        "SegmentTemplate",
        {
            "timescale": str(segments.timescale),
            "initialization": f"{path}/{INITIALIZATION}",
            "media": f"{path}/{SEGMENT}",
            "startNumber": "1",
        },
    )
    timeline = ET.SubElement(template, "SegmentTimeline")
    for length, run in groupby(segments.durations):
        repeats = len(list(run)) - 1
        repeated = {"r": str(repeats)} if repeats else {}
        ET.SubElement(timeline, "S", {"d": str(length), **repeated})
    timeline[0].set("t", "0")
    return representation


def _duration(seconds: float) -> str:
    return f"PT{seconds:.3f}S"
