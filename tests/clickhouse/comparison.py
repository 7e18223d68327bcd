"""Compares every figure in ClickHouse with the independent computation."""

from typing import Any

from tests.clickhouse.clickhouse import Rows, report, reports
from tests.support.viewing_database import RANGES
from tests.support.viewing_figures import Figures
from tests.support.viewing_traffic import Value

EVER = ("2026-01-01", "2026-12-31")


def rows_of(found: Rows, name: str) -> list[tuple[Any, ...]]:
    """Return the rows of a report in their order by value."""
    return sorted(tuple(row) for row in found[name])


def queries() -> dict[str, str]:
    """Return the queries of all figures."""
    return reports(*EVER) | {
        f"unique viewers {first} {last}": report("unique_viewers", first=first, last=last)
        for first, last in RANGES
    }


def compare_figures(found: Rows, values: list[Value]) -> None:
    """Compare every figure in ClickHouse with the computation."""
    expected = Figures(values)
    assert rows_of(found, "days") == expected.days()
    assert rows_of(found, "retention") == expected.curves()
    assert rows_of(found, "breakdown") == expected.breakdown()
    assert rows_of(found, "concurrency") == expected.minutes()
    for first, last in RANGES:
        name = f"unique viewers {first} {last}"
        assert rows_of(found, name) == expected.uniques(first, last)
    assert found["dead_letters"] == []
