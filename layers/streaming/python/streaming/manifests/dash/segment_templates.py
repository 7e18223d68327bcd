"""Expansion of SegmentTemplate to SegmentList, because each object needs its own signature.

A template of URLs on another host stays a template; it needs no signature.
"""

from streaming.manifests.dash.markup import (
    attribute_pieces,
    merged_attributes,
    start_tag,
)
from streaming.manifests.dash.numbers import NANOSECONDS, billionths, divide_up
from streaming.manifests.dash.segment_info import Information
from streaming.manifests.dash.segments import (
    Rewritten,
    Scope,
    copy,
    end_of,
    is_range_of_base,
    timeline_entries,
)
from streaming.manifests.dash.splices import Piece
from streaming.manifests.dash.templates import UrlTemplate
from streaming.manifests.dash.timelines import Segment, expand
from streaming.manifests.errors import NotAManifest

_URL_CHILDREN = {
    "initialization": "Initialization",
    "index": "RepresentationIndex",
    "bitstreamSwitching": "BitstreamSwitching",
}
_TEMPLATE_ONLY = ("media", *_URL_CHILDREN, "startNumber", "endNumber")


def rewrite(information: Information, scope: Scope) -> Rewritten:
    """Return the equivalent SegmentList, or the template itself if it is foreign.

    Raises ``ManifestError`` if it cannot be expanded or signed.
    """
    media = _template(information, scope, "media")
    if media is None:
        raise NotAManifest("a SegmentTemplate has no @media")
    first_number = information.integer("startNumber", 1)
    if scope.base.locate(media.url(number=first_number)) is None:
        return _foreign(information, scope)
    timed = bool(information.children("SegmentTimeline"))
    index = _template(information, scope, "index")
    url_length = sum(each.longest + len(scope.base.url) for each in (media, index) if each)
    segments = (_timeline if timed else _regular)(information, scope, url_length)
    return _written_out(information, scope, media, segments)


def _template(information: Information, scope: Scope, name: str) -> UrlTemplate | None:
    text = information.attribute(name)
    if text is None:
        return None
    attributes = scope.representation.attributes
    return UrlTemplate.of(
        text.strip(),
        attributes.get("id"),
        attributes.get("bandwidth"),
        per_segment=name in ("media", "index"),
    )


def _timeline(information: Information, scope: Scope, url_length: int) -> list[Segment]:
    timeline = information.children("SegmentTimeline")[0]
    first_number = information.integer("startNumber", 1)
    return expand(timeline, first_number, scope.bounds(information), scope.budget, url_length)


def _regular(information: Information, scope: Scope, url_length: int) -> list[Segment]:
    """Return the period's segments of length ``@duration``; one segment if it is absent."""
    first_number = information.integer("startNumber", 1)
    offset = information.integer("presentationTimeOffset", 0)
    text = information.attribute("duration")
    if text is None:
        scope.budget.spend_segments(1, url_length)
        length = divide_up((scope.length or 0) * information.timescale, NANOSECONDS)
        return [Segment(first_number, offset, length, starts=True)]
    duration = billionths("duration", text)
    if not duration:
        raise NotAManifest("@duration of a segment is zero")
    counts = []
    if scope.length is not None:
        counts.append(divide_up(scope.length * information.timescale, duration))
    if information.attribute("endNumber") is not None:
        counts.append(max(information.integer("endNumber", 0) - first_number + 1, 0))
    if not counts:
        raise NotAManifest("segments of fixed duration have no end: the presentation is live")
    scope.budget.spend_segments(min(counts), url_length)
    return [
        Segment(
            first_number + index,
            index * duration // NANOSECONDS + offset,
            duration // NANOSECONDS,
            starts=not index,
        )
        for index in range(min(counts))
    ]


def _foreign(information: Information, scope: Scope) -> Rewritten:
    document, own = scope.document, information.levels[0]
    attributes = merged_attributes(document, information.levels)
    for attribute in _URL_CHILDREN:
        template = _template(information, scope, attribute)
        if template is not None and not template.names:
            reference = scope.base.locate(template.url())
            if reference is not None:
                attributes[attribute] = attribute_pieces(attribute, reference)
    name = document.tag_name(own)
    pieces = start_tag(name, attributes)
    for child in (*information.inherited_children(), *own.children):
        pieces += copy(scope, child)
    return Rewritten([*pieces, b"</" + name + b">"], needs_base=False)


def _written_out(
    information: Information, scope: Scope, media: UrlTemplate, segments: list[Segment]
) -> Rewritten:
    document, own = scope.document, information.levels[0]
    prefix = document.prefix(own)
    name = prefix + b"SegmentList"
    has_timeline = bool(information.children("SegmentTimeline"))
    is_regular = not has_timeline and information.attribute("duration") is not None
    without = _TEMPLATE_ONLY if is_regular else (*_TEMPLATE_ONLY, "duration")
    kept, needs_base = _kept_children(information, scope)
    pieces = [
        *start_tag(name, merged_attributes(document, information.levels, without)),
        *_url_children(information, scope, prefix, "initialization", "index"),
        *kept,
    ]
    if has_timeline or (not is_regular and segments[0].duration):
        timeline = prefix + b"SegmentTimeline>\n"
        pieces += [b"\n<" + timeline + timeline_entries(prefix, segments) + b"\n</" + timeline]
    pieces += _url_children(information, scope, prefix, "bitstreamSwitching")
    pieces += _segment_urls(information, scope, media, segments)
    return Rewritten([*pieces, b"\n</" + name + b">"], needs_base, end_of(information, segments))


def _kept_children(information: Information, scope: Scope) -> tuple[list[Piece], bool]:
    """Return the children to keep, and whether one of them is a byte range of the base's file."""
    replaced = {
        _URL_CHILDREN[name] for name in _URL_CHILDREN if information.attribute(name) is not None
    }
    pieces: list[Piece] = []
    needs_base = False
    for child in (*information.levels[0].children, *information.inherited_children()):
        if child.name != "SegmentTimeline" and child.name not in replaced:
            pieces += [b"\n", *copy(scope, child)]
            needs_base = needs_base or is_range_of_base(child)
    return pieces, needs_base


def _url_children(
    information: Information, scope: Scope, prefix: bytes, *names: str
) -> list[Piece]:
    """Return the elements that replace the template's URLs shared by all segments."""
    pieces: list[Piece] = []
    for name in names:
        template = _template(information, scope, name)
        if template is not None and not (name == "index" and template.names):
            url = scope.address(template.url())
            pieces.append(b"\n<" + prefix + _URL_CHILDREN[name].encode() + b" ")
            pieces += [*attribute_pieces("sourceURL", url), b"/>"]
    return pieces


def _segment_urls(
    information: Information, scope: Scope, media: UrlTemplate, segments: list[Segment]
) -> list[Piece]:
    index = _template(information, scope, "index")
    if index is not None and not index.names:
        index = None
    opening = b"\n<" + scope.document.prefix(information.levels[0]) + b'SegmentURL media="'
    pieces: list[Piece] = []
    for segment in segments:
        pieces += [opening, scope.address(media.url(segment.number, segment.time))]
        if index is not None:
            url = index.url(segment.number, segment.time)
            pieces += [b'" index="', scope.address(url)]
        pieces.append(b'"/>')
    return pieces
