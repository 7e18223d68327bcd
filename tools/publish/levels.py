"""Compares the loudness and the colours of a package with those of its source over time.

ffmpeg measures both in the same way: in the first seconds of every two minutes, the loudness of
each hundredth of a second, and the mean colour of some pictures. Sound that is early, late or
another one has another course of loudness; another picture has other mean colours.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import fsum
from operator import mul
from statistics import fmean, median, pstdev

from tools.publish.errors import PublishError

_PERIOD_SECONDS = 120
_MEASURED_SECONDS = 6
_IN_PERIOD = f"lt(mod(t\\,{_PERIOD_SECONDS})\\,{_MEASURED_SECONDS})"
_STEP_SECONDS = 0.01
_STEP_SAMPLES = 480
_PICTURE_SECONDS = 0.2
_COLOURS = ("Y", "U", "V")
_LEVEL = re.compile(r"\[ametadata@(?P<sound>loudness\d+) @|\[metadata@(?P<colour>mean[YUV]) @")
_TIME = re.compile(r" pts_time:(-?[\d.]+)")
_VALUE = re.compile(r"(?:RMS_level|[YUV]AVG)=(\S+)")

_QUIETEST = -60.0
# Sound of constant loudness does not show whether it is early or late.
_LEAST_DEVIATION = 3.0
_LEAST_SECONDS = 1.5
_AUDIBLE = -40.0
_IN_SYNC_STEPS = 4
_LONGEST_SHIFT_STEPS = 50
# AAC changes the course of loudness little.
_ALIKE = 0.9
_DIFFERENT = 0.5
_CLEARLY_BETTER = 0.15
# Of 255, the sum of the differences of the three means. Encoding changes each by less than two.
_OTHER_COLOURS = 16.0

Series = Mapping[str, Sequence[tuple[float, float]]]
"""Times and levels by the name of the measurement."""


def loudness(number: int) -> str:
    """Return the filters that log the loudness of an audio track; nothing else may follow."""
    return (
        f"aselect='{_IN_PERIOD}',asetnsamples=n={_STEP_SAMPLES}:p=0,"
        "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level,"
        f"ametadata@loudness{number}=print:key=lavfi.astats.Overall.RMS_level"
    )


def colours() -> str:
    """Return the filters that log the mean colours of pictures; nothing else may follow."""
    is_next = f"isnan(prev_selected_t)+gte(t-prev_selected_t\\,{_PICTURE_SECONDS})"
    prints = (f"metadata@mean{each}=print:key=lavfi.signalstats.{each}AVG" for each in _COLOURS)
    measured = f"select='{_IN_PERIOD}*({is_next})',scale=64:64:flags=area,signalstats"
    return ",".join((measured, *prints))


def measured(log: str) -> Series:
    """Return the measurements in a log of ffmpeg, in the order of time."""
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    at: dict[str, float] = {}
    for line in log.splitlines():
        level = _LEVEL.search(line)
        if not level:
            continue
        name = level["sound"] or level["colour"]
        if time := _TIME.search(line):
            at[name] = float(time[1])
        elif (value := _VALUE.search(line)) and name in at:
            number = float(value[1])
            series[name].append((at.pop(name), number if math.isfinite(number) else _QUIETEST))
    return {name: sorted(values) for name, values in series.items()}


def compare(source: Series, result: Series) -> None:
    """Raise `PublishError` if the sound is early, late or different, or the picture different."""
    for name, levels in source.items():
        for start, window in _windows(levels).items():
            if name.startswith("loudness"):
                _compare_sound(start, window, _within(result.get(name, ()), start))
    for start, difference in _differences_of_colour(source, result):
        if difference > _OTHER_COLOURS:
            raise PublishError(
                f"the encoded film has another picture than its source at {start:.0f} s"
            )


def _windows(levels: Sequence[tuple[float, float]]) -> dict[float, Sequence[tuple[float, float]]]:
    starts = sorted({at // _PERIOD_SECONDS * _PERIOD_SECONDS for at, _ in levels})
    return {start: _within(levels, start) for start in starts}


def _within(levels: Sequence[tuple[float, float]], start: float) -> Sequence[tuple[float, float]]:
    first = bisect_left(levels, (start,))
    return levels[first : bisect_left(levels, (start + _MEASURED_SECONDS,))]


def _compare_sound(
    start: float, source: Sequence[tuple[float, float]], result: Sequence[tuple[float, float]]
) -> None:
    expected, found = _by_step(source), _by_step(result)
    if len(expected) * _STEP_SECONDS < _LEAST_SECONDS or not found:
        return
    if pstdev(expected.values()) < _LEAST_DEVIATION or max(expected.values()) < _AUDIBLE:
        return
    likeness = {
        shift: _likeness(expected, found, shift)
        for shift in range(-_LONGEST_SHIFT_STEPS, _LONGEST_SHIFT_STEPS + 1)
    }
    in_sync = max(likeness[shift] for shift in range(-_IN_SYNC_STEPS, _IN_SYNC_STEPS + 1))
    best = max(likeness, key=lambda shift: likeness[shift])
    if likeness[best] >= _ALIKE and likeness[best] - in_sync > _CLEARLY_BETTER:
        how = "late" if best > 0 else "early"
        raise PublishError(
            f"the sound of the encoded film is {abs(best) * _STEP_SECONDS:.2f} s {how} at "
            f"{start:.0f} s"
        )
    if likeness[best] < _DIFFERENT:
        raise PublishError(f"the encoded film has another sound than its source at {start:.0f} s")


def _by_step(levels: Sequence[tuple[float, float]]) -> dict[int, float]:
    return {round(at / _STEP_SECONDS): max(level, _QUIETEST) for at, level in levels}


def _likeness(expected: Mapping[int, float], found: Mapping[int, float], shift: int) -> float:
    """Return the correlation of two courses of loudness, one of which is shifted."""
    pairs = [
        (level, found[step + shift]) for step, level in expected.items() if step + shift in found
    ]
    if len(pairs) * _STEP_SECONDS < _LEAST_SECONDS:
        return 0.0
    a, b = zip(*pairs, strict=True)
    # Compared exactly, because the mean of equal numbers may be rounded to another one.
    if min(a) == max(a) or min(b) == max(b):
        return 0.0
    # `statistics.pstdev` computes with fractions, which takes five times as long.
    above_a, above_b = _from_mean(a), _from_mean(b)
    deviations = math.sqrt(_products(above_a, above_a) * _products(above_b, above_b))
    return _products(above_a, above_b) / deviations


def _from_mean(levels: Sequence[float]) -> list[float]:
    mean = fmean(levels)
    return [level - mean for level in levels]


def _products(a: Sequence[float], b: Sequence[float]) -> float:
    return fsum(map(mul, a, b))


def _differences_of_colour(source: Series, result: Series) -> list[tuple[float, float]]:
    """Return the median difference of the mean colours in each measured span."""
    sums: dict[float, list[list[float]]] = defaultdict(list)
    for colour in _COLOURS:
        expected, found = source.get(f"mean{colour}", ()), result.get(f"mean{colour}", ())
        for start, window in _windows(expected).items():
            # A picture is shown until the next one.
            pairs = (
                (bisect_right(window, (at, math.inf)) - 1, level)
                for at, level in _within(found, start)
            )
            sums[start].append([abs(window[last][1] - level) for last, level in pairs if last >= 0])
    return [
        (start, sum(median(each) for each in differences if each))
        for start, differences in sorted(sums.items())
    ]
