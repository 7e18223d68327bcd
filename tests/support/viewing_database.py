"""Databases of analytics, and the comparison of their figures with an independent computation."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.support.databases import empty_database
from tests.support.functions import ROOT
from tests.support.viewing_figures import Figures
from tests.support.viewing_tables import Tables
from tests.support.viewing_traffic import Value

Row = tuple[Any, ...]

_MOST_TOLD = 3

RANGES = [
    ("2026-10-30", "2026-10-30"),
    ("2026-10-31", "2026-10-31"),
    ("2026-10-30", "2026-11-09"),
    ("2026-10-31", "2026-11-01"),
    ("2026-11-01", "2026-11-09"),
]


@contextmanager
def viewing_database(stack: Stack) -> Iterator[Database]:
    """Create a database with all tables; yield it, and drop it afterwards."""
    with empty_database(stack) as url, closing(Database(DatabaseSettings(url), 30)) as opened:
        migrations.apply(opened, ROOT / "migrations")
        yield opened


def compare(database: Database, values: list[Value]) -> None:
    """Compare every figure with the independent computation."""
    stored, expected = all_figures(Tables(database)), all_figures(Figures(values))
    assert {
        name: different(stored[name], rows) for name, rows in expected.items()
    } == dict.fromkeys(expected, "")


def different(stored: Sequence[Row], computed: Sequence[Row]) -> str:
    """Return the first rows that only one side has, and whether others differ; empty if equal."""
    if stored == computed:
        return ""
    only_stored = sorted(set(stored) - set(computed))[:_MOST_TOLD]
    only_computed = sorted(set(computed) - set(stored))[:_MOST_TOLD]
    return f"only stored: {only_stored}, only computed: {only_computed}, or in another order"


def all_figures(
    source: Tables | Figures, ranges: Iterable[tuple[str, str]] = RANGES
) -> dict[str, list[Row]]:
    """Return every figure by its name, with the unique viewers of each of ``ranges``."""
    return {
        "days": source.days(),
        "curves": source.curves(),
        "breakdown": source.breakdown(),
        "minutes": source.minutes(),
        **{
            f"unique viewers {first} to {last}": source.uniques(first, last)
            for first, last in ranges
        },
    }
