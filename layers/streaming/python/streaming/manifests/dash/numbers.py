"""The numbers and durations of an MPD, exact and bounded.

Times are integers: rounding of floats could add or drop a segment at the end of a film.
"""

import re

from streaming.manifests.dash.document import Element
from streaming.manifests.errors import NotAManifest

NANOSECONDS = 1_000_000_000

_INTEGER = re.compile(r"\s*(-?[0-9]{1,20})\s*")
_DECIMAL = re.compile(r"\s*([0-9]{1,20})(?:\.([0-9]*))?\s*")
_DURATION = re.compile(
    r"\s*P(?:([0-9]{1,12})Y)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})D)?"
    r"(?:T(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})(?:[.,]([0-9]*))?S)?)?\s*"
)
_SECONDS = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)


def integer(element: Element, name: str, default: int | None = None) -> int:
    """Return the integer attribute ``name``; raises ``NotAManifest`` if it is not an integer."""
    text = element.attributes.get(name)
    if text is None and default is not None:
        return default
    return parse_integer(name, text or "")


def parse_integer(name: str, text: str) -> int:
    """Return the integer in ``text``, the value of the attribute ``name``.

    Raises ``NotAManifest`` if it is not an integer.
    """
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise NotAManifest(f"@{name} is not an integer: {text[:40]!r}")
    return int(match[1])


def nanoseconds(text: str) -> int:
    """Return an ISO 8601 duration in nanoseconds; a year has 365 days and a month 30.

    Raises ``NotAManifest`` if ``text`` is not a duration.

    >>> nanoseconds("PT1M2.5S")
    62500000000
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise NotAManifest(f"not a duration: {text[:40]!r}")
    whole = sum(int(part or 0) * unit for part, unit in zip(match.groups(), _SECONDS, strict=False))
    return whole * NANOSECONDS + _billionths(match[7])


def duration_text(duration: int) -> str:
    """Return a duration in nanoseconds as an ISO 8601 duration.

    >>> duration_text(62_500_000_000)
    'PT62.500000000S'
    """
    return f"PT{duration // NANOSECONDS}.{duration % NANOSECONDS:09}S"


def billionths(name: str, text: str) -> int:
    """Return a decimal number times 10**9; some packagers write ``2.5`` instead of an integer.

    Raises ``NotAManifest`` if ``text`` is not a decimal number.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise NotAManifest(f"@{name} is not a number: {text[:40]!r}")
    return int(match[1]) * NANOSECONDS + _billionths(match[2])


def divide_up(dividend: int, divisor: int) -> int:
    """Return the quotient rounded up."""
    return -(-dividend // divisor)


def _billionths(digits: str | None) -> int:
    return int((digits or "")[:9].ljust(9, "0"))
