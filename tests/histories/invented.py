"""Viewing of several days, published among the events of a history's clients.

A history takes seconds, in which no client can watch long enough for a view.
"""

from datetime import UTC, datetime, timedelta

from streaming.events.records import KafkaRecord
from tests.support.viewing_traffic import traffic

_DAYS_AGO = 12
"""Its ten days are over, and their month is kept."""


def invented_records(seed: int, today: datetime) -> tuple[list[KafkaRecord], list[KafkaRecord]]:
    """Return records with seeks, pauses, repeats and late events, in two parts."""
    evening = datetime(today.year, today.month, today.day, 21, tzinfo=UTC)
    begin = evening - timedelta(days=_DAYS_AGO)
    records = traffic(seed, viewers=4, sittings=8, begin=begin).records(altered=True)
    middle = len(records) // 2
    return records[:middle], records[middle:]


def ranges_until(today: datetime) -> tuple[tuple[str, str], ...]:
    """Return ranges of days for unique viewers, of one day or several."""

    def day(days_ago: int) -> str:
        return str(today.date() - timedelta(days=days_ago))

    first = _DAYS_AGO
    return tuple(
        (day(earlier), day(later))
        for earlier, later in (
            (first, first),
            (first - 1, first - 1),
            (first, 0),
            (first - 1, first - 3),
            (0, 0),
        )
    )
