"""Rewriting of SegmentList and SegmentBase: each URL is replaced individually."""

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.markup import attribute_pieces, merged_attributes, start_tag
from streaming.manifests.dash.numbers import billionths
from streaming.manifests.dash.segment_info import Information
from streaming.manifests.dash.segments import (
    Rewritten,
    Scope,
    end_of,
    is_range_of_base,
    sign_children,
    timeline_entries,
)
from streaming.manifests.dash.splices import Edits, Piece
from streaming.manifests.dash.timelines import Segment, expand


def rewrite(information: Information, scope: Scope) -> Rewritten:
    """Return the list or base, merged from its levels, with URLs of the film as references.

    Raises ``ManifestError`` if it cannot be signed.
    """
    document, own = scope.document, information.levels[0]
    inherited = information.inherited_children()
    timeline = next(iter(information.children("SegmentTimeline")), None)
    segments = _segments(information, scope, timeline)

    def edit(edits: Edits, child: Element) -> None:
        sign_children(scope, edits, child)
        if child is timeline and segments:
            entries = timeline_entries(document.prefix(child), segments)
            edits.replace(child.content_start, child.content_end, [b"\n", entries, b"\n"])

    def inherit(*, urls: bool) -> list[Piece]:
        pieces: list[Piece] = []
        for child in inherited:
            if (child.name == "SegmentURL") == urls:
                edits = Edits()
                edit(edits, child)
                pieces += [b"\n", *edits.splice(document.source, child.start, child.end)]
        return pieces

    edits = Edits()
    for child in own.children:
        edit(edits, child)
    name = document.tag_name(own)
    pieces = [
        *_start_tag(information, scope, name, has_timeline=timeline is not None),
        *inherit(urls=False),
        *edits.splice(document.source, own.content_start, own.content_end),
        *inherit(urls=True),
        b"</" + name + b">",
    ]
    needs_base = information.kind == "SegmentBase" or any(
        is_range_of_base(child) for child in (*own.children, *inherited)
    )
    return Rewritten(pieces, needs_base, _end(information, segments))


def _segments(information: Information, scope: Scope, timeline: Element | None) -> list[Segment]:
    """Return the segments of a timeline that has repetitions; empty if it has none."""
    count = len(information.children("SegmentURL"))
    scope.budget.spend_segments(count, len(scope.base.url))
    if timeline is None:
        return []
    scope.budget.spend_segments(len(timeline.children))
    if not any("r" in entry.attributes for entry in timeline.children):
        return []
    first = information.integer("startNumber", 1)
    return expand(timeline, first, scope.bounds(information, count), scope.budget)


def _start_tag(
    information: Information, scope: Scope, name: bytes, *, has_timeline: bool
) -> list[Piece]:
    without = {"duration"} if has_timeline else set()
    if information.integer("startNumber", 1) == 1:
        without.add("startNumber")  # 1 is the default, and ffmpeg skips that many segments
    own = information.levels[0]
    link = own.xlink_href
    if scope.is_missing(own, scope.base):
        without |= set(own.xlink_names)
        link = None
    attributes = merged_attributes(scope.document, information.levels, without)
    if link is not None:
        reference = scope.remote(link[1], scope.base, scope.length)
        if reference is not None:
            attributes[link[0]] = attribute_pieces(link[0], reference)
    return start_tag(name, attributes)


def _end(information: Information, segments: list[Segment]) -> int | None:
    duration = information.attribute("duration")
    if segments or duration is None:
        return end_of(information, segments)
    count = len(information.children("SegmentURL"))
    return count * billionths("duration", duration) // information.timescale
