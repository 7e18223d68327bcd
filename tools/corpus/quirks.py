"""The known errors of a parser, each with a description.

A difference that only this parser reports, in a manifest that triggers a known error, is reported
but not counted. ``segments`` must have found no difference in the same manifest.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

_KINDS = ("SegmentTemplate", "SegmentList", "SegmentBase")


def _chains(root: ET.Element) -> Iterator[list[list[ET.Element]]]:
    """Yield, for every representation, the segment information of each level around it."""
    for period in root.findall("{*}Period"):
        for adaptation_set in period.findall("{*}AdaptationSet"):
            for representation in adaptation_set.findall("{*}Representation"):
                yield [
                    [each for kind in _KINDS for each in level.findall("{*}" + kind)]
                    for level in (period, adaptation_set, representation)
                ]


def _has_timeline_twice(root: ET.Element) -> bool:
    return any(
        sum(each.find("{*}SegmentTimeline") is not None for level in chain for each in level) > 1
        for chain in _chains(root)
    )


def _has_two_kinds(root: ET.Element) -> bool:
    return any(len({each.tag for level in chain for each in level}) > 1 for chain in _chains(root))


def _has_timeline_and_duration(root: ET.Element) -> bool:
    return any(
        any(each.find("{*}SegmentTimeline") is not None for level in chain for each in level)
        and any("duration" in each.attrib for level in chain for each in level)
        for chain in _chains(root)
    )


def _has_bare_template(root: ET.Element) -> bool:
    return any(
        any(each.tag.endswith("SegmentTemplate") for level in chain for each in level)
        and not any(
            "duration" in each.attrib or each.find("{*}SegmentTimeline") is not None
            for level in chain
            for each in level
        )
        for chain in _chains(root)
    )


def _ends_by_number(root: ET.Element) -> bool:
    return any(
        "endNumber" in each.attrib for chain in _chains(root) for level in chain for each in level
    )


_OF_MPD_PARSER: dict[str, Callable[[ET.Element], bool]] = {
    "mpd-parser plays a timeline twice if two levels have it": _has_timeline_twice,
    "mpd-parser uses outer segment information of another kind": _has_two_kinds,
    "mpd-parser uses @duration although there is a timeline": _has_timeline_and_duration,
    "mpd-parser counts up to @endNumber from 0, not from @startNumber": _ends_by_number,
    "mpd-parser gives the only segment of a bare template no time": _has_bare_template,
}


def known(judge: str, text: str) -> str | None:
    """Return the known error of ``judge`` that the manifest ``text`` triggers, or None."""
    if judge != "mpd-parser":
        return None
    root = ET.fromstring(text.encode())  # noqa: S314  (see segments.py)
    return next((reason for reason, applies in _OF_MPD_PARSER.items() if applies(root)), None)
