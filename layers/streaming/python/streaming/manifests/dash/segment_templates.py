"""SegmentTemplate: written out as a SegmentList, because a signature is per object.

A template that leads to another host stays a template; it needs no signature.
"""

from streaming.manifests.dash.edits import Piece
from streaming.manifests.dash.information import Information
from streaming.manifests.dash.markup import (
    attribute_pieces,
    escaped,
    merged_attributes,
    start_tag,
)
from streaming.manifests.dash.segments import (
    Rewritten,
    Scope,
    copy,
    end_of,
    is_range_of_base,
    timeline_entries,
)
from streaming.manifests.dash.templates import UrlTemplate
from streaming.manifests.dash.timelines import Segment, expand
from streaming.manifests.dash.values import NANOSECONDS, billionths, divide_up
from streaming.manifests.errors import NotAManifest

_URL_CHILDREN = {
    "initialization": "Initialization",
    "index": "RepresentationIndex",
    "bitstreamSwitching": "BitstreamSwitching",
}
_TEMPLATE_ONLY = ("media", *_URL_CHILDREN, "startNumber", "endNumber")


def rewrite(information: Information, scope: Scope) -> Rewritten:
    """Return the SegmentList that says the same, or the template itself when it is foreign."""
    media = _template(information, scope, "media")
    if media is None:
        raise NotAManifest("a SegmentTemplate has no @media")
    first_number = information.integer("startNumber", 1)
    if scope.base.locate(media.url(number=first_number)) is None:
        return _foreign(information, scope)
    timed = bool(information.children("SegmentTimeline"))
    segments = _timeline(information, scope) if timed else _regular(information, scope)
    return _written_out(information, scope, media, segments)


def _template(information: Information, scope: Scope, name: str) -> UrlTemplate | None:
    text = information.attribute(name)
    if text is None:
        return None
    attributes = scope.representation.attributes
    return UrlTemplate.of(text.strip(), attributes.get("id"), attributes.get("bandwidth"))


def _timeline(information: Information, scope: Scope) -> list[Segment]:
    timeline = information.children("SegmentTimeline")[0]
    first_number = information.integer("startNumber", 1)
    return expand(timeline, first_number, scope.bounds(information), scope.budget)


def _regular(information: Information, scope: Scope) -> list[Segment]:
    """Return the segments that ``@duration`` cuts the period into; one when there is none."""
    first_number = information.integer("startNumber", 1)
    offset = information.integer("presentationTimeOffset", 0)
    text = information.attribute("duration")
    if text is None:
        scope.budget.spend(1)
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
    scope.budget.spend(min(counts))
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
    for name in _URL_CHILDREN:
        template = _template(information, scope, name)
        if template is not None and not template.names:
            reference = scope.base.locate(template.url())
            if reference is not None:
                attributes[name] = attribute_pieces(name, reference)
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
    timed = information.attribute("duration") is None or information.children("SegmentTimeline")
    without = (*_TEMPLATE_ONLY, *(("duration",) if timed else ()))
    name = prefix + b"SegmentList"
    pieces = start_tag(name, merged_attributes(document, information.levels, without))
    index = _template(information, scope, "index")
    needs_base = False
    for child in (*own.children, *information.inherited_children()):
        if child.name != "SegmentTimeline":
            pieces += [b"\n", *copy(scope, child)]
            needs_base = needs_base or is_range_of_base(child)
    for attribute, child_name in _URL_CHILDREN.items():
        template = _template(information, scope, attribute)
        if template is None or (template is index and template.names):
            continue
        url = scope.address(template.constant_url(attribute))
        pieces += [b"\n<" + prefix + child_name.encode(), b" "]
        pieces += [*attribute_pieces("sourceURL", url), b"/>"]
    return Rewritten(pieces, needs_base)
