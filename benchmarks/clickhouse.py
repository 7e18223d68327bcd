"""How long ClickHouse takes to store events, to compute figures and to report them.

``make bench-clickhouse`` runs analytics/clickhouse in ClickHouse as a library. Sessions of a
hundred events, of 20,000 users and 100 films, begin at any time of a week.
"""

import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from benchmarks.tables import table
from tests.clickhouse.clickhouse import COMPUTE, created, execute, reports

EVENTS = 1_000_000
_FIRST, _LAST = "2026-11-01", "2026-11-28"

_MESSAGES = """
    INSERT INTO viewing.kafka
    WITH
        intDiv(number, 100) AS viewing,
        number % 100 AS report,
        1793491200000 + toInt64(cityHash64(viewing) % 604800000) AS start_ms,
        lower(hex(sipHash128(viewing))) AS random,
        lower(leftPad(hex(toUInt64(start_ms)), 12, '0')) AS begun,
        fromUnixTimestamp64Milli(start_ms + toInt64(report) * 10000, 'UTC') AS at
    SELECT
        toJSONString(CAST((
            reinterpretAsUUID(sipHash128(number)),
            reinterpretAsUUID(sipHash128('user', cityHash64(viewing) % 20000)),
            reinterpretAsUUID(sipHash128('film', viewing % 100)),
            concat(
                substring(begun, 1, 8), '-', substring(begun, 9, 4), '-7', substring(random, 1, 3),
                '-8', substring(random, 4, 3), '-', substring(random, 7, 12)
            ),
            if(report = 0, 'stream_start', 'stream_progress'),
            concat(replaceOne(toString(at), ' ', 'T'), 'Z'),
            if(report = 0, NULL, toUInt32(report * 10)),
            if(report = 0, 5400, NULL)
        ) AS Tuple(
            event_id UUID, user_id UUID, movie_id UUID, session_id String, action String,
            timestamp String, position_seconds Nullable(UInt32), duration_seconds Nullable(UInt32)
        ))),
        'stream.progress', 0, number, at
    FROM numbers({events})
"""
_MARK = "INSERT INTO viewing.marks SELECT '{name}', now64(6)"


def main(events: int = EVENTS) -> None:
    """Print what was measured."""
    parts = {
        f"{events:,} events stored": [_MESSAGES.format(events=events)],
        "figures computed": [*COMPUTE],
        **{f"report {name}": [query] for name, query in reports(_FIRST, _LAST).items()},
    }
    statements = [
        *created(),
        "CREATE TABLE viewing.marks (name String, at DateTime64(6)) ENGINE = Memory",
        _MARK.format(name=""),
    ]
    for name, part in parts.items():
        statements += [*part, _MARK.format(name=name)]
    queries = {
        "marks": "SELECT name, toUnixTimestamp64Micro(at) FROM viewing.marks ORDER BY at",
        "counts": """
            SELECT
                (SELECT count() FROM viewing.events), (SELECT count() FROM viewing.dead_letters),
                (SELECT count() FROM viewing.touched FINAL)
        """,
        "bytes": """
            SELECT table, sum(bytes_on_disk) FROM system.parts
            WHERE database = 'viewing' AND active AND table IN ('events', 'figures')
            GROUP BY table ORDER BY table
        """,
    }
    with tempfile.TemporaryDirectory() as folder:
        found = execute(Path(folder), statements, queries)
    ((stored, dead, days),) = found["counts"]
    assert (stored, dead) == (events, 0), found["counts"]
    rows = [
        [name, f"{(end - begin) / 1e6:.3f} s"]
        for (_, begin), (name, end) in pairwise(found["marks"])
    ]
    rows += [
        [f"{name}, on disk", f"{size / events:.1f} bytes an event"] for name, size in found["bytes"]
    ]
    print(f"{days} days of films have events.")
    print("\n".join(table(["", ""], rows, numbers=True)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
