"""Shared code of the DASH tests: a film, manifests, and an independent interpretation of them.

``segments_of`` resolves an MPD by the standard, with an ordinary XML tree and without regard to
speed or size. The rewriter is correct if its output has the same interpretation.
"""

import re
import xml.etree.ElementTree as ET
from fractions import Fraction
from math import ceil
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin

from streaming.manifests import dash
from streaming.manifests.references import FilmLocation, Reference

ROOT = "https://s3.example/vod/movies/m1/"
FILM = FilmLocation((ROOT,))
PATH = "video/manifest.mpd"
SIGNED = "https://signed.example/"
NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"


def sign(reference: Reference) -> str:
    """Return a URL that contains the reference, with characters special in XML and templates."""
    assert not reference.fragment
    kind = "copy" if reference.is_manifest else "object"
    return f"{SIGNED}{kind}/{quote(reference.path)}?a=$1&b=2"


def parse(text: str | bytes, path: str = PATH, **more: object) -> dash.DashManifest:
    """Parse a manifest of the film."""
    body = text.encode() if isinstance(text, str) else text
    return dash.parse(body, path=path, film=FILM, **more)  # type: ignore[arg-type]


def rewrite(text: str, path: str = PATH, **more: object) -> str:
    """Parse a manifest and render it with ``sign``."""
    return parse(text, path, **more).render(sign).decode()


def mpd(periods: str, attributes: str = 'mediaPresentationDuration="PT6S"') -> str:
    """Return a manifest with these periods."""
    return f'<MPD xmlns="{NAMESPACE}" type="static" {attributes}>{periods}</MPD>'


def one(representation: str, above: str = "", attributes: str = "") -> str:
    """Return a manifest with one representation, and ``above`` in its adaptation set."""
    inner = f'<Representation id="v1" bandwidth="900"{attributes}>{representation}</Representation>'
    return mpd(
        f'<Period><AdaptationSet mimeType="video/mp4">{above}{inner}</AdaptationSet></Period>'
    )


def signed(path: str, kind: str = "object") -> str:
    """Return the URL that ``sign`` gives the object, escaped for the manifest."""
    return f"{SIGNED}{kind}/{quote(path)}?a=%241&amp;b=2"


Segment = tuple[str, str | None, Fraction | None, Fraction | None]


class Track(NamedTuple):
    """A representation: its initialization segment and its media segments.

    Each is a URL and a byte range; a media segment also has its start and duration in seconds if
    the manifest states them.
    """

    name: str
    initialization: tuple[str, str | None] | None
    segments: list[Segment]


def segments_of(text: str, url: str = ROOT + PATH) -> list[Track]:
    """Return the tracks of a manifest that was loaded from ``url``."""
    root = ET.fromstring(re.sub(r' xmlns="[^"]*"', "", text))
    tracks = []
    total = _seconds(root.get("mediaPresentationDuration"))
    start = Fraction(0)
    periods = root.findall("Period")
    for index, period in enumerate(periods):
        start = _seconds(period.get("start")) or start
        length = _seconds(period.get("duration"))
        if length is None:
            last = index + 1 == len(periods)
            end = total if last else _seconds(periods[index + 1].get("start"))
            length = None if end is None else end - start
        for sets in period.findall("AdaptationSet"):
            for representation in sets.findall("Representation"):
                levels = [root, period, sets, representation]
                tracks.append(_track(levels, url, length))
        start += length or 0
    return tracks


def with_paths(tracks: list[Track], *, are_signed: bool) -> list[Track]:
    """Return the tracks with each URL of the film replaced by the path of its object.

    With ``are_signed``, a URL of the film that is not signed is an error.
    """

    def path(url: str) -> str:
        if are_signed:
            assert not url.startswith(ROOT), f"not signed: {url}"
        for root in (ROOT, SIGNED + "object/"):
            if url.startswith(root):
                return unquote(url.removeprefix(root).partition("?")[0])
        return url

    return [
        Track(
            track.name,
            track.initialization and (path(track.initialization[0]), track.initialization[1]),
            [(path(segment[0]), *segment[1:]) for segment in track.segments],
        )
        for track in tracks
    ]


def before_and_after(text: str) -> tuple[list[Track], list[Track]]:
    """Return the tracks of a manifest and of its rewritten form, by paths in the film."""
    return (
        with_paths(segments_of(text), are_signed=False),
        with_paths(segments_of(rewrite(text)), are_signed=True),
    )


def _seconds(text: str | None) -> Fraction | None:
    if text is None:
        return None
    match = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text)
    assert match is not None
    parts = [Fraction(part or 0) for part in match.groups()]
    return parts[0] * 86400 + parts[1] * 3600 + parts[2] * 60 + parts[3]


def _track(levels: list[ET.Element], url: str, length: Fraction | None) -> Track:
    representation = levels[-1]
    base = url
    for level in levels:
        given = level.find("BaseURL")
        base = urljoin(base, (given.text or "").strip()) if given is not None else base
    attributes, children = _information(levels)

    def fill(template: str, number: int = 0, time: int = 0) -> str:
        return urljoin(base, _filled(template, representation, number, time))

    initialization: tuple[str, str | None] | None = None
    if attributes.get("initialization"):
        initialization = (fill(attributes["initialization"]), None)
    elif "Initialization" in children:
        child = children["Initialization"][0]
        initialization = (urljoin(base, child.get("sourceURL", "")), child.get("range"))
    urls = children.get("SegmentURL", [])
    times = _times(attributes, children, length, len(urls))
    segments: list[Segment] = [(base, attributes.get("indexRange"), None, None)]
    if "media" in attributes:
        segments = [
            (fill(attributes["media"], number, time), None, begins, lasts)
            for number, time, begins, lasts in times
        ]
    elif urls:
        segments = [
            (urljoin(base, element.get("media", "")), element.get("mediaRange"), begins, lasts)
            for element, (_, _, begins, lasts) in zip(urls, times, strict=False)
        ]
    return Track(representation.get("id", ""), initialization, segments)


def _information(levels: list[ET.Element]) -> tuple[dict[str, str], dict[str, list[ET.Element]]]:
    attributes: dict[str, str] = {}
    children: dict[str, list[ET.Element]] = {}
    for kind in ("SegmentTemplate", "SegmentList", "SegmentBase"):
        for level in levels[1:]:
            for element in level.findall(kind):
                attributes |= element.attrib
                children |= {tag: element.findall(tag) for tag in {child.tag for child in element}}
        if attributes or children:
            break
    return attributes, children


def _filled(template: str, representation: ET.Element, number: int, time: int) -> str:
    values: dict[str | None, object] = {
        "RepresentationID": representation.get("id"),
        "Bandwidth": representation.get("bandwidth"),
        "Number": number,
        "Time": time,
    }
    return re.sub(
        r"\$(?:([A-Za-z]+)(?:%0(\d+)d)?)?\$",
        lambda match: str(values[match[1]]).rjust(int(match[2] or 0), "0") if match[1] else "$",
        template,
    )


def _times(
    attributes: dict[str, str],
    children: dict[str, list[ET.Element]],
    length: Fraction | None,
    urls: int,
) -> list[tuple[int, int, Fraction, Fraction]]:
    scale = int(attributes.get("timescale", 1))
    offset = int(attributes.get("presentationTimeOffset", 0))
    number = int(attributes.get("startNumber", 1))
    last = int(attributes["endNumber"]) if "endNumber" in attributes else None
    times: list[tuple[int, int, int]] = []
    if "SegmentTimeline" in children:
        time = 0
        entries = children["SegmentTimeline"][0].findall("S")
        for index, entry in enumerate(entries):
            time = int(entry.get("t", time))
            number = int(entry.get("n", number))
            lasts = int(entry.get("d", 0))
            repeat = int(entry.get("r", 0))
            if repeat < 0 and index + 1 < len(entries):
                repeat = ceil(Fraction(int(entries[index + 1].get("t", 0)) - time, lasts)) - 1
            elif repeat < 0 and length is not None:
                repeat = ceil((length * scale + offset - time) / lasts) - 1
            for _ in range(max(repeat, 0) + 1):
                times.append((number, time, lasts))
                number, time = number + 1, time + lasts
    elif "duration" in attributes:
        lasts = int(attributes["duration"])
        count = urls or ceil((length or 0) * scale / lasts)
        if last is not None and (length is None or last - number + 1 < count):
            count = last - number + 1
        times = [(number + i, i * lasts + offset, lasts) for i in range(count)]
    else:
        times = [(number, offset, ceil((length or 0) * scale))]
    return [
        (n, t, Fraction(t - offset, scale), Fraction(d, scale))
        for n, t, d in times
        if last is None or n <= last
    ]
