"""The ladder: the sizes and bit rates of a film's renditions, for networks of any bandwidth."""

from dataclasses import dataclass
from fractions import Fraction

# Long side, short side. A film is fitted into these boxes, which are rotated for an upright one.
# Thus a wide film has the full width of a screen, and no two rungs differ by black bars only.
_STEPS = ((3840, 2160), (2560, 1440), (1920, 1080), (1280, 720), (854, 480), (640, 360))
_LEAST_STEP = Fraction(4, 5)
_SMALLEST_SIDE = 16

# A suitable rate for 1080p at up to 30 frames per second, and its growth with the picture size.
_RATE_1080P = 5_000_000
_PIXELS_1080P = 1920 * 1080
_RATE_EXPONENT = 0.75
_FAST_FRAMES = 30
_RATE_OF_FAST_FRAMES = 1.5
_LOWEST_RATE = 150_000


@dataclass(frozen=True, slots=True)
class Rung:
    """A size with even sides, and the maximum bit rate of its video in bits per second."""

    width: int
    height: int
    bits_per_second: int


def ladder(width: int, height: int, frame_rate: Fraction) -> tuple[Rung, ...]:
    """Return the rungs for a film, largest first.

    The first is the film's own size (at most 4K, the limit of decoders), the others are the usual
    sizes, each clearly smaller than the previous one. A picture is never scaled up.
    """
    rungs = [_rung(width, height, min(Fraction(1), _fit(width, height, *_STEPS[0])), frame_rate)]
    for long_side, short_side in _STEPS:
        scale = _fit(width, height, long_side, short_side)
        rung = _rung(width, height, scale, frame_rate)
        is_step = max(rung.width, rung.height) <= _LEAST_STEP * max(
            rungs[-1].width, rungs[-1].height
        )
        if is_step and min(rung.width, rung.height) >= _SMALLEST_SIDE:
            rungs.append(rung)
    return tuple(rungs)


def _fit(width: int, height: int, long_side: int, short_side: int) -> Fraction:
    """Return the factor that scales a picture to fit a box with those sides."""
    longer, shorter = max(width, height), min(width, height)
    return min(Fraction(long_side, longer), Fraction(short_side, shorter))


def _rung(width: int, height: int, scale: Fraction, frame_rate: Fraction) -> Rung:
    scaled = (_even(width * scale, width), _even(height * scale, height))
    share = float(scaled[0] * scaled[1] / _PIXELS_1080P)
    rate = _RATE_1080P * share**_RATE_EXPONENT
    if frame_rate > _FAST_FRAMES:
        rate *= _RATE_OF_FAST_FRAMES
    return Rung(*scaled, max(_LOWEST_RATE, round(rate / 10_000) * 10_000))


def _even(length: Fraction | int, most: int) -> int:
    """Return the even number nearest to `length`, at most `most`: 4:2:0 video needs even sides."""
    return max(2, min(round(length / 2) * 2, most - most % 2))
