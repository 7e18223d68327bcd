"""The conversion of what PostgreSQL returns."""

import pytest
from pg8000.converters import timestamptz_in

from streaming.repository.connector import to_time


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28 20:57:32+00",
        "2026-11-28 20:57:32.1+00",
        "2026-11-28 20:57:32.123456+00",
        "2026-11-28 20:57:32.12345+05:30",
        "2026-11-28 20:57:32-03",
        "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
        "infinity",
        "-infinity",
    ],
)
def test_times_are_those_of_pg8000(text: str) -> None:
    """Every form of a time gives the same value as pg8000's slower conversion."""
    assert to_time(text) == timestamptz_in(text)
