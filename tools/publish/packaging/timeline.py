"""The segments that ffmpeg wrote, from its manifest: codecs, and the exact time of each."""

from pathlib import Path
from xml.etree import ElementTree as ET

from tools.publish.errors import PublishError
from tools.publish.packaging.film import Segments

_DASH = {"": "urn:mpeg:dash:schema:mpd:2011"}


def read_timeline(manifest: Path) -> list[Segments]:
    """Return the segments of each stream, in the order of their numbers.

    Raises `PublishError` if segments are missing, for example if the source has no frame.
    """
    root = ET.parse(manifest).getroot()  # noqa: S314 - trusted: written by ffmpeg
    streams = {
        int(each.attrib["id"]): _segments(each, manifest.parent)
        for each in root.iterfind(".//Representation", _DASH)
    }
    return [streams[number] for number in sorted(streams)]


def _segments(representation: ET.Element, folder: Path) -> Segments:
    template = representation.find("SegmentTemplate", _DASH)
    if template is None:
        raise PublishError("ffmpeg wrote no segments of the film")
    durations = tuple(
        int(each.attrib["d"])
        for each in template.iterfind("SegmentTimeline/S", _DASH)
        for _ in range(int(each.get("r", "0")) + 1)
    )
    files = sorted((folder / representation.attrib["id"]).glob("*.m4s"))
    if not durations or len(files) != len(durations):
        raise PublishError("a track of the film is empty")
    return Segments(
        codecs=representation.attrib["codecs"],
        timescale=int(template.attrib["timescale"]),
        durations=durations,
        sizes=tuple(file.stat().st_size for file in files),
    )
