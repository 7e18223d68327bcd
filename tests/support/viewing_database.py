"""Databases of analytics, and the comparison of their figures with an independent computation."""

from collections.abc import Iterable, Iterator
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
    for name, rows in expected.items():
        assert stored[name] == rows


def all_figures(
    source: Tables | Figures, ranges: Iterable[tuple[str, str]] = RANGES
) -> dict[str, list[tuple[Any, ...]]]:
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
