"""Databases of analytics, and the comparison of their figures with an independent computation."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

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
    stored, expected = Tables(database), Figures(values)
    assert stored.days() == expected.days()
    assert stored.curves() == expected.curves()
    assert stored.breakdown() == expected.breakdown()
    assert stored.minutes() == expected.minutes()
    for first, last in RANGES:
        assert stored.uniques(first, last) == expected.uniques(first, last)
