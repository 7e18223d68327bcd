"""The start and duration of each period of a presentation (ISO/IEC 23009-1, 5.3.2.1)."""

from collections.abc import Sequence
from typing import NamedTuple

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.numbers import nanoseconds

PRESENTATION_DURATION = "mediaPresentationDuration"


class Period(NamedTuple):
    """A period with its start and length in nanoseconds, None if the manifest states none."""

    element: Element
    start: int | None
    length: int | None


def presentation_length(mpd: Element) -> int | None:
    """Return ``@mediaPresentationDuration`` in nanoseconds, or None if it is absent."""
    return _duration(mpd, PRESENTATION_DURATION)


def timed(mpd: Element, elements: Sequence[Element]) -> list[Period]:
    """Return the periods ``elements`` in order; missing times follow from adjacent periods.

    Players learn the times of remote periods, and of periods beside them, when they have loaded
    them. Here such a period without a length has that of the presentation: it gets more segments
    than players use.

    Raises ``NotAManifest`` for a time that is not a duration.
    """
    has_remote = any(each.xlink_href is not None for each in elements)
    periods: list[Period] = []
    end: int | None = 0
    for index, element in enumerate(elements):
        start = _duration(element, "start")
        if start is None:
            start = end
        length = _duration(element, "duration")
        if length is None and start is not None:
            is_last = index + 1 == len(elements)
            following = mpd if is_last else elements[index + 1]
            limit = _duration(following, PRESENTATION_DURATION if is_last else "start")
            length = None if limit is None else limit - start
            if length is not None and length <= 0:  # it cannot end before it starts
                length = presentation_length(mpd)
        end = None if start is None or length is None else start + length
        if length is None and has_remote:
            length = presentation_length(mpd)
        periods.append(Period(element, start, length))
    return periods


def _duration(element: Element, name: str) -> int | None:
    text = element.attributes.get(name)
    return None if text is None else nanoseconds(text)
