"""Responses in CSV (RFC 4180), which are safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from streaming.api.http import Response
from streaming.domain import clock

Cell = str | int | float | date | None

# A spreadsheet evaluates a cell that begins with one of these.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_table(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Return a table as the file ``name``.csv."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_text(cell) for cell in row] for row in rows)
    return Response(
        200,
        text.getvalue(),
        {
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "Vary": "Accept",
        },
    )


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return clock.iso(cell)
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return str(cell)
