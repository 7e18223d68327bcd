"""Tables in CSV."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from streaming.api.csv_table import csv_table


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_is_a_formula(formula: str) -> None:
    """Text that a spreadsheet would evaluate begins with an apostrophe; numbers stay numbers."""
    table = csv_table("films", ("name", "change"), [(formula, -1)])

    rows = list(csv.reader(io.StringIO(table.body, newline="")))
    assert rows == [["name", "change"], [f"'{formula}", "-1"]]


def test_cells() -> None:
    """Days and times are those of the JSON, and None is an empty cell."""
    day, at = date(2026, 11, 28), datetime(2026, 11, 28, 20, 31, tzinfo=UTC)

    table = csv_table("films", ("day", "at", "none", "text"), [(day, at, None, 'a "b", c')])

    assert table.body.splitlines()[1] == '2026-11-28,2026-11-28T20:31:00.000Z,,"a ""b"", c"'
    assert table.headers["Content-Disposition"] == 'attachment; filename="films.csv"'
