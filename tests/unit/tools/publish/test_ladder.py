"""The ladder of sizes in which a film is published, for every size of a film."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.publish.ladder import Rung, ladder

sides = st.integers(16, 8192)
rates = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(60)])


@given(sides, sides, rates)
def test_never_upscales(width: int, height: int, rate: Fraction) -> None:
    """No rung is larger than the film, on either side."""
    for rung in ladder(width, height, rate):
        assert rung.width <= width
        assert rung.height <= height


@given(sides, sides, rates)
def test_even_sizes(width: int, height: int, rate: Fraction) -> None:
    """Both sides of every rung are even and at least 2, as 4:2:0 video needs them."""
    for rung in ladder(width, height, rate):
        assert (rung.width % 2, rung.height % 2) == (0, 0)
        assert min(rung.width, rung.height) >= 2


@given(st.integers(16, 3840), st.integers(16, 2160), rates)
def test_own_size(width: int, height: int, rate: Fraction) -> None:
    """The first rung is the film's own size, rounded to even numbers, if that is at most 4K."""
    first = ladder(width, height, rate)[0]

    assert (first.width, first.height) == (width - width % 2, height - height % 2)


@given(sides, sides, rates)
def test_ordered(width: int, height: int, rate: Fraction) -> None:
    """Each rung is clearly smaller than the previous one, and never has a higher bit rate."""
    rungs = ladder(width, height, rate)

    assert rungs
    for larger, smaller in pairwise(rungs):
        assert max(smaller.width, smaller.height) <= 0.8 * max(larger.width, larger.height)
        assert smaller.bits_per_second <= larger.bits_per_second


@given(sides, sides, rates)
def test_shape(width: int, height: int, rate: Fraction) -> None:
    """Every rung has the film's aspect ratio, rounded to pixels."""
    for rung in ladder(width, height, rate)[1:]:
        scale = max(rung.width, rung.height) / max(width, height)
        assert abs(rung.width - width * scale) <= 2
        assert abs(rung.height - height * scale) <= 2


@given(sides, sides, rates)
def test_upright(width: int, height: int, rate: Fraction) -> None:
    """A rotated film has the rotated ladder."""
    turned = [Rung(r.height, r.width, r.bits_per_second) for r in ladder(height, width, rate)]

    assert list(ladder(width, height, rate)) == turned


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), [(1920, 1080), (1280, 720), (854, 480), (640, 360)]),
        ((1920, 804), [(1920, 804), (1280, 536), (854, 358), (640, 268)]),
        ((1080, 1920), [(1080, 1920), (720, 1280), (480, 854), (360, 640)]),
        ((1440, 1080), [(1440, 1080), (960, 720), (640, 480), (480, 360)]),
        ((700, 400), [(700, 400)]),
        ((320, 180), [(320, 180)]),
        (
            (7680, 4320),
            [(3840, 2160), (2560, 1440), (1920, 1080), (1280, 720), (854, 480), (640, 360)],
        ),
    ],
)
def test_usual_films(size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    """Films of usual sizes get the usual rungs."""
    rungs = ladder(*size, Fraction(24))

    assert [(rung.width, rung.height) for rung in rungs] == expected


def test_rates() -> None:
    """A film of 1080p gets 5 Mbit/s at most, half as much again with 60 frames a second."""
    assert ladder(1920, 1080, Fraction(24))[0].bits_per_second == 5_000_000
    assert ladder(1920, 1080, Fraction(60))[0].bits_per_second == 7_500_000
