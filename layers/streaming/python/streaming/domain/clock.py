"""The service's clock and its text form of time."""

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
    """Read an ISO 8601 time, in UTC; one without an offset is taken as UTC. Raises ``ValueError``.

    What lies in no year of UTC's is the nearest moment that does: systems write the ends of their
    calendars for "never", in their own time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _LAST if moment.year > 1 else _FIRST


def milliseconds(moment: datetime) -> int:
    """Return ``moment`` as whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def from_milliseconds(value: object) -> datetime | None:
    """Return the moment so many milliseconds after 1970; None for what is no such number."""
    if not isinstance(value, int | float) or not 0 < value < _LAST.timestamp() * 1000:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)
