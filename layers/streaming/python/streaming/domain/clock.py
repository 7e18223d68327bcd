"""The current time, and conversions to and from ISO 8601 and Unix milliseconds."""

from datetime import UTC, datetime

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Format ``moment`` as ISO 8601 in UTC with ``Z``, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """Parse an ISO 8601 time and convert it to UTC; without an offset it is UTC already.

    A time outside the years 1 to 9999 after the conversion becomes the first or last time of that
    range: systems write the end of their calendar for "never", in their own time zone.

    Raises ``ValueError`` for any other text.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _LAST if moment.year > 1 else _FIRST


def milliseconds(moment: datetime) -> int:
    """Return ``moment`` as whole Unix milliseconds."""
    return int(moment.timestamp() * 1000)


def from_milliseconds(value: object) -> datetime | None:
    """Return the UTC time of Unix milliseconds; None unless ``value`` is a number in range."""
    if not isinstance(value, int | float) or not 0 < value < _LAST.timestamp() * 1000:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)
