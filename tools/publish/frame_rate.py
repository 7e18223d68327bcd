"""The frame rate at which a film is published."""

from fractions import Fraction
from itertools import pairwise
from statistics import fmean, median

SLOWEST, FASTEST = Fraction(1), Fraction(60)
_BY_DEFAULT = Fraction(25)
_USUAL = (
    *(Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30)),
    *(Fraction(48000, 1001), Fraction(48), Fraction(50), Fraction(60000, 1001), Fraction(60)),
)
_JITTER = 0.045
_EXACT_RATE = 0.0004
_WINDOW_SECONDS = 1.0
_BURST_FRAMES = 12
# Some containers round times to milliseconds.
_UNEVEN_SECONDS = 0.0015
_SAME_TIME_SECONDS = 0.004
_LEAST_EVEN = 0.9
# The difference between a rate and the one that a container declares for it.
_DECLARED_RATE = 0.002


def frame_rate(starts: list[float], told: Fraction | None) -> Fraction:
    """Return the rate of the fastest second or burst, from 1 to 60 frames per second.

    `starts` are the times of all frames; `told` is the average rate declared by the container.
    Screen recordings have frames only when something moves, so their average rate would drop most
    frames. A film with a constant rate keeps its rate, which the container declares exactly.
    """
    if len(starts) == 1:
        return _BY_DEFAULT
    ordered = _apart(sorted(starts))
    told = _steady_rate(ordered, told)
    fastest = max(_most_in_a_window(ordered), _rate_of_bursts(ordered))
    if told and told > 0 and fastest <= told + max(Fraction(1), told * Fraction(_JITTER)):
        return _usual(told, _EXACT_RATE)
    return _usual(Fraction(fastest), _JITTER) if fastest else _BY_DEFAULT


def _apart(ordered: list[float]) -> list[float]:
    """Return the times without those of other frames at almost the same time.

    Recordings that were joined may overlap by some frames.
    """
    apart = ordered[:1]
    for at in ordered[1:]:
        if at - apart[-1] > _SAME_TIME_SECONDS:
            apart.append(at)
    return apart


def _steady_rate(ordered: list[float], told: Fraction | None) -> Fraction | None:
    """Return the rate by which nearly all frames are spaced evenly if the declared one differs.

    Containers declare another one if the first or the last frame has another duration.
    """
    spaces = [b - a for a, b in pairwise(ordered)]
    middle = median(spaces) if spaces else 0.0
    even = [space for space in spaces if abs(space - middle) <= _UNEVEN_SECONDS]
    if len(even) < _LEAST_EVEN * len(spaces) or len(even) < _BURST_FRAMES:
        return told
    rate = 1 / Fraction(fmean(even)).limit_denominator(100_000)
    if told and abs(rate / told - 1) <= _DECLARED_RATE:
        return told
    return _usual(rate, _DECLARED_RATE)


def _most_in_a_window(ordered: list[float]) -> int:
    """Return the number of frames in the second with the most frames."""
    most = first = 0
    for last, at in enumerate(ordered):
        # Two milliseconds less, because some containers round times to milliseconds.
        while at - ordered[first] > _WINDOW_SECONDS - 0.002:
            first += 1
        most = max(most, last - first + 1)
    return most if len(ordered) > 1 and ordered[-1] - ordered[0] >= _WINDOW_SECONDS else 0


def _rate_of_bursts(ordered: list[float]) -> int:
    """Return the rate of the fastest burst of evenly spaced frames, 0 if there is none.

    A burst may be shorter than a second, for example during scrolling. Frames with irregular times
    are not a burst.
    """
    fastest = 0.0
    for first in range(len(ordered) - _BURST_FRAMES):
        times = ordered[first : first + _BURST_FRAMES + 1]
        mean = (times[-1] - times[0]) / _BURST_FRAMES
        if mean <= 0 or 1 / mean <= fastest:
            continue
        if all(abs(b - a - mean) <= _UNEVEN_SECONDS for a, b in pairwise(times)):
            fastest = 1 / mean
    return round(fastest)


def _usual(rate: Fraction, tolerance: float) -> Fraction:
    """Return the usual rate within `tolerance` of `rate`, or else `rate` itself."""
    if not SLOWEST < rate < FASTEST:
        return max(SLOWEST, min(rate, FASTEST))
    nearest = min(_USUAL, key=lambda usual: abs(usual - rate))
    is_meant = abs(float(nearest / rate) - 1) < tolerance
    return nearest if is_meant else rate.limit_denominator(1001)
