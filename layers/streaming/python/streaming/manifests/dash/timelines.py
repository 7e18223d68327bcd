"""The segments that a SegmentTimeline describes."""

from typing import NamedTuple

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.limits import Budget
from streaming.manifests.dash.numbers import divide_up, integer
from streaming.manifests.errors import NotAManifest


class Segment(NamedTuple):
    """A media segment; times are in units of the timescale.

    ``starts`` means that its ``S`` needs an explicit start time (``@t``).
    """

    number: int
    time: int
    duration: int
    starts: bool = False


class Bounds(NamedTuple):
    """The end of an open-ended timeline; None for each bound that is unknown."""

    end_time: int | None = None
    end_number: int | None = None
    length: int | None = None


def expand(
    timeline: Element, first_number: int, bounds: Bounds, budget: Budget, url_length: int = 0
) -> list[Segment]:
    """Return every segment of ``timeline``, with repetitions expanded.

    ``url_length`` is the number of characters that each segment spends of the budget.

    Raises ``ManifestTooLarge`` before it expands segments beyond the budget, and ``NotAManifest``
    if a negative ``@r`` has no end or a number is invalid.
    """
    entries = timeline.all("S")
    segments: list[Segment] = []
    number, time = first_number, 0
    for index, entry in enumerate(entries):
        number = integer(entry, "n", number)
        starts = "t" in entry.attributes
        time = integer(entry, "t", time)
        duration = integer(entry, "d")
        following = entries[index + 1] if index + 1 < len(entries) else None
        count = _count(entry, following, Segment(number, time, duration), bounds, len(segments))
        budget.spend_segments(count or 1, url_length)
        for repetition in range(count):
            segments.append(Segment(number, time, duration, starts and not repetition))
            number += 1
            time += duration
    return segments


def _count(
    entry: Element, following: Element | None, first: Segment, bounds: Bounds, written: int
) -> int:
    repeat = integer(entry, "r", 0)
    if first.duration < 0 or first.number < 0:
        raise NotAManifest("a segment's number or duration is negative")
    limits = []
    if bounds.end_number is not None:
        limits.append(max(bounds.end_number - first.number + 1, 0))
    if repeat >= 0:
        return min([repeat + 1, *limits])
    end = bounds.end_time if following is None else integer(following, "t")
    if end is not None:
        if not first.duration:
            raise NotAManifest("a segment that repeats has no duration")
        limits.append(max(divide_up(end - first.time, first.duration), 1))
    elif bounds.length is not None:
        limits.append(max(bounds.length - written, 1))
    if not limits:
        raise NotAManifest("the repetition of a timeline has no end: the presentation is live")
    return min(limits)
