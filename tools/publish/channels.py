"""Stereo mixes of audio channel layouts for which ffmpeg has no mix of its own."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.audio.layout import AudioLayout

# ffmpeg mixes the usual layouts up to 7.1 (ITU-R BS.775), and treats up to eight unnamed channels
# as one of these. More unnamed channels may be anything, for example several mixes side by side.
_MOST_MIXED = 8
_LEAST_MIXED = 2
_BOTH_SIDES = math.sqrt(0.5)
_LOW_FREQUENCIES = frozenset({"LFE", "LFE2"})
# All channels may be loud at once. This limiter has no state, see `normalizing`.
_LIMITER = "asoftclip=type=tanh"


def stereo_filter(layout: "AudioLayout") -> str:
    """Return the filters that mix `layout` to stereo, empty if ffmpeg does so by default."""
    if layout.name.startswith("ambisonic"):
        # The first channel is omnidirectional (AmbiX, channel order ACN).
        return "pan=stereo|c0=c0|c1=c0"
    count = layout.nb_channels
    is_named = not layout.name.endswith("channels")
    if count <= _LEAST_MIXED or (is_named and count <= _MOST_MIXED):
        return ""
    sides = [_sides(channel.name) for channel in layout.channels] if is_named else []
    if not all(any(gains) for gains in zip(*sides, strict=True)) or not sides:
        sides = [(1.0, 1.0)] * count
    left, right = (_sum(gains) for gains in zip(*sides, strict=True))
    return f"pan=stereo|c0={left}|c1={right},{_LIMITER}"


def _sum(gains: tuple[float, ...]) -> str:
    """Return the weighted sum of channels with the power of uncorrelated channels."""
    power = math.sqrt(sum(gain * gain for gain in gains))
    parts = (f"{gain / power:.4f}*c{number}" for number, gain in enumerate(gains) if gain)
    return "+".join(parts)


def _sides(name: str) -> tuple[float, float]:
    """Return the gains of a loudspeaker's channel on the left and on the right."""
    if name in _LOW_FREQUENCIES:
        return (0.0, 0.0)
    if "L" in name:
        return (1.0, 0.0)
    if "R" in name:
        return (0.0, 1.0)
    return (_BOTH_SIDES, _BOTH_SIDES)
