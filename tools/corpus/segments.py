"""The segments that an MPD describes, by a direct implementation of ISO/IEC 23009-1.

It is slow, trusts its input and shares no code with the rewriter. It decides where public parsers
are known to deviate from the standard.
"""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from tools.corpus.addresses import Addresses

_KINDS = ("SegmentTemplate", "SegmentList", "SegmentBase")
_IDENTIFIER = re.compile(r"\$(?:([A-Za-z]+)(?:%0(\d+)([dxXo]))?)?\$")
_PER_SEGMENT = re.compile(r"\$(?:Number|Time)")
_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?")
_UNITS = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)
_URL_CHILDREN = {
    "Initialization": "initialization",
    "RepresentationIndex": "index",
    "BitstreamSwitching": "bitstreamSwitching",
}
_LONGEST = 200_000


class Endless(ValueError):
    """The presentation is live: its segments have no end."""


@dataclass(frozen=True, slots=True)
class _Level:
    """The inherited context of an element: its base URL and its segment information."""

    base: str
    attributes: dict[str, dict[str, str]]
    children: dict[str, dict[str, list[ET.Element]]]


def view(text: str, addresses: Addresses) -> Any:
    """Return the segments of every representation, with URLs under the name ``uri``.

    Raises ``Endless`` for a live presentation and ``ValueError`` if ``text`` is not an MPD.
    """
    try:
        root = ET.fromstring(text.encode())  # noqa: S314  (never used on untrusted input)
    except ET.ParseError as error:
        raise ValueError(f"broken XML: {error}") from error
    if _name(root) != "MPD":
        raise ValueError(f"the root is {root.tag[:60]}")
    top = _entered(root, _Level(addresses.url, {}, {}), addresses)
    return [
        {
            "id": representation.get("id"),
            "start": None if start is None else float(start),
            **_described(
                representation,
                _entered(representation, level, addresses),
                (start or Fraction(0), length),
                addresses,
            ),
        }
        for period, start, length in _periods(root)
        for outer in [_entered(period, top, addresses)]
        for adaptation_set in _all(period, "AdaptationSet")
        for level in [_entered(adaptation_set, outer, addresses)]
        for representation in _all(adaptation_set, "Representation")
    ]


def seconds(text: str | None) -> Fraction | None:
    """Return an ISO 8601 duration in seconds, or None if ``text`` is not one."""
    match = _DURATION.fullmatch((text or "").strip())
    if match is None:
        return None
    parts = zip(match.groups(), _UNITS, strict=True)
    return sum((Fraction(Decimal(part or 0)) * unit for part, unit in parts), Fraction(0))


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(parent: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in parent if _name(child) == name]


def _entered(element: ET.Element, outer: _Level, addresses: Addresses) -> _Level:
    given = [(each.text or "").strip() for each in _all(element, "BaseURL")]
    bases = tuple(addresses.joined(url, outer.base) for url in given) or (outer.base,)
    # The first alternative in the film, or else the first one.
    chosen = next((base for base in bases if addresses.of(base).path is not None), bases[0])
    attributes, children = dict(outer.attributes), dict(outer.children)
    for kind in _KINDS:
        for own in _all(element, kind)[:1]:
            attributes[kind] = attributes.get(kind, {}) | dict(own.attrib)
            by_name: dict[str, list[ET.Element]] = defaultdict(list)
            for child in own:
                by_name[_name(child)].append(child)
            children[kind] = children.get(kind, {}) | by_name
    inner = [kind for kind in _KINDS if _all(element, kind)][:1]
    if inner:
        attributes = {kind: attributes[kind] for kind in inner}
        children = {kind: children[kind] for kind in inner}
    return _Level(chosen, attributes, children)


def _periods(root: ET.Element) -> Iterator[tuple[ET.Element, Fraction | None, Fraction | None]]:
    total = seconds(root.get("mediaPresentationDuration"))
    periods = _all(root, "Period")
    end: Fraction | None = Fraction(0)
    for index, period in enumerate(periods):
        start = seconds(period.get("start"))
        start = end if start is None else start
        length = seconds(period.get("duration"))
        if length is None and start is not None:
            last = index + 1 == len(periods)
            limit = total if last else seconds(periods[index + 1].get("start"))
            length = None if limit is None else limit - start
            if length is not None and length <= 0:
                length = total  # it starts after the end, so its start is wrong, not its length
        end = None if start is None or length is None else start + length
        yield period, start, length


def _described(
    representation: ET.Element,
    level: _Level,
    period: tuple[Fraction, Fraction | None],
    addresses: Addresses,
) -> dict[str, Any]:
    if not level.attributes:
        return {} if level.base == addresses.url else {"file": {"uri": level.base}}
    kind, attributes = next(iter(level.attributes.items()))
    children = level.children[kind]

    def url(reference: str) -> str:
        return addresses.joined(reference, level.base)

    seen: dict[str, Any] = {}
    for name, attribute in _URL_CHILDREN.items():
        template = attributes.get(attribute, "") if kind == "SegmentTemplate" else ""
        if template and not (name == "RepresentationIndex" and _PER_SEGMENT.search(template)):
            seen[name] = {"uri": url(_filled(template, representation)), "range": None}
        elif name in children:
            given = children[name][0]
            seen[name] = {"uri": url(given.get("sourceURL", "")), "range": given.get("range")}
    if kind == "SegmentBase":
        return seen | {"file": {"uri": level.base}, "indexRange": attributes.get("indexRange")}
    urls = children.get("SegmentURL", [])
    start, length = period
    times = _times(attributes, children, length, len(urls))
    scale = int(attributes.get("timescale", 1))
    offset = int(attributes.get("presentationTimeOffset", 0))
    if kind == "SegmentTemplate":
        media = attributes.get("media", "")
        named: list[tuple[str, str | None]] = [
            (_filled(media, representation, number, time), None) for number, time, _ in times
        ]
    else:
        named = [(each.get("media", ""), each.get("mediaRange")) for each in urls]
    seen["segments"] = [
        {
            "uri": url(media),
            "range": byte_range,
            "start": float((time - offset) / scale + start),
            "duration": float(lasts / scale),
        }
        for (media, byte_range), (_, time, lasts) in zip(named, times, strict=False)
    ]
    return seen


def _filled(
    template: str, of: ET.Element, number: int | None = None, time: Fraction | None = None
) -> str:
    values = {
        "RepresentationID": of.get("id"),
        "Bandwidth": of.get("bandwidth"),
        "Number": number,
        "Time": None if time is None else int(time),
    }

    def value(match: re.Match[str]) -> str:
        name, width, conversion = match.groups()
        if name is None:
            return "$"
        if values.get(name) is None:
            return match[0]
        if width is None:
            return str(values[name])
        return format(int(values[name] or 0), f"0{width}{conversion}")

    return _IDENTIFIER.sub(value, template)


def _times(
    attributes: dict[str, str],
    children: dict[str, list[ET.Element]],
    length: Fraction | None,
    urls: int,
) -> list[tuple[int, Fraction, Fraction]]:
    scale = int(attributes.get("timescale", 1))
    offset = int(attributes.get("presentationTimeOffset", 0))
    number = int(attributes.get("startNumber", 1))
    last = int(attributes["endNumber"]) if "endNumber" in attributes else None
    end = None if length is None else length * scale + offset
    if "SegmentTimeline" in children:
        return list(_timeline(_all(children["SegmentTimeline"][0], "S"), number, last, end, urls))
    if "duration" not in attributes:
        return [(number, Fraction(offset), Fraction((end or offset) - offset))]
    lasts = Fraction(Decimal(attributes["duration"]))
    counts = [urls] if urls else []
    if not urls and length is not None:
        counts.append(ceil(length * scale / lasts))
    if last is not None:
        counts.append(last - number + 1)
    if not counts or min(counts) > _LONGEST:
        raise Endless("segments of fixed duration have no end")
    return [(number + i, i * lasts + offset, lasts) for i in range(min(counts))]


def _timeline(
    entries: list[ET.Element], number: int, last: int | None, end: Fraction | None, urls: int
) -> Iterator[tuple[int, Fraction, Fraction]]:
    time = Fraction(0)
    written = 0
    for index, entry in enumerate(entries):
        time = Fraction(entry.get("t") or time)
        number = int(entry.get("n", number))
        lasts = Fraction(entry.get("d", 0))
        repeat = int(entry.get("r", 0))
        if repeat < 0:
            following = entries[index + 1].get("t") if index + 1 < len(entries) else None
            until = end if following is None else Fraction(following)
            if until is None and not urls:
                raise Endless("a timeline repeats without an end")
            repeat = urls - written - 1 if until is None else ceil((until - time) / lasts) - 1
        for _ in range(max(repeat, 0) + 1):
            if last is None or number <= last:
                yield number, time, lasts
            number, time, written = number + 1, time + lasts, written + 1
