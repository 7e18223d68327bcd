"""Counts ten million events, and compares every figure with DuckDB's: ``make bench-exactness``.

``python -m benchmarks.exactness [EVENTS]``. The viewing of four weeks has seeks, pauses, reloads,
repeats, and events that are up to a day late. Two consumers write the figures of their partitions
at the same time, as two of Lambda's pollers do. PostgreSQL is the embedded one. The exit status is
1 if a figure differs.
"""

import random
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from benchmarks.circumstances import circumstances
from benchmarks.postgres import MIGRATIONS, patiently, running
from streaming.config.database import DatabaseSettings
from streaming.events.records import KafkaRecord
from streaming.repository import migrations
from streaming.repository.analytics.record import Stored, ViewingRecord
from streaming.repository.database import Database
from streaming.usecases.record_viewing import RecordViewing
from tests.support.viewing_database import RANGES, all_figures, different
from tests.support.viewing_figures import Figures
from tests.support.viewing_tables import Tables
from tests.support.viewing_traffic import (
    BEGIN,
    DURATIONS,
    PARTITIONS,
    Traffic,
    add_sittings,
    uuid_of,
)

EVENTS = 10_000_000
BATCH = 2000
"""The greatest batch that template.yaml lets Lambda deliver."""

USERS = 20_000
FILMS = 200
DAYS = 28
_SITTINGS = 1000
_PROGRESS_SECONDS = 10.0
_SIZES = """
    SELECT (SELECT count(*) FROM analytics_events) AS events,
        (SELECT count(*) FROM analytics_sessions) AS sessions,
        pg_database_size(current_database()) / 1000000 AS megabytes
"""
_MORE_RANGES = [("2026-11-01", "2026-11-30"), ("2026-11-15", "2026-12-31")]


def main(events: int = EVENTS) -> int:
    """Count the events, compare the figures, print both times; return the exit status."""
    print(", ".join(f"{name} {value}" for name, value in circumstances().items()))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        settings = DatabaseSettings(server.database_url)
        with closing(Database(settings, 600)) as database:
            patiently(lambda: migrations.apply(database, MIGRATIONS))
        path = Path(folder, "events.jsonl")
        began = time.monotonic()
        with path.open("w", encoding="utf-8") as file:
            records = _count(events, settings, file)
        seconds = time.monotonic() - began
        print(f"{records:,} records in {seconds:,.0f} s: {records / seconds:,.0f} a second")
        return _compare(settings, path)


def _count(events: int, settings: DatabaseSettings, file: TextIO) -> int:
    """Let each partition have its consumer; return how many records they got."""
    databases = [Database(settings, 600) for _ in range(PARTITIONS)]
    consumers = [RecordViewing(ViewingRecord(database)) for database in databases]
    progress = _Progress(events)
    pending: list[Future[Stored] | None] = [None] * PARTITIONS
    records = 0
    with ThreadPoolExecutor(PARTITIONS) as threads:
        for partition, batch in _batches(events, file):
            _finish(pending[partition])
            records += len(batch)
            progress.tell(records)
            consume = consumers[partition]
            pending[partition] = threads.submit(patiently, lambda c=consume, b=batch: c(b))
        for last in pending:
            _finish(last)
    for database in databases:
        database.close()
    return records


def _finish(batch: Future[Stored] | None) -> None:
    """Wait for a batch. Raises ``AssertionError`` for dead letters."""
    stored = batch.result() if batch is not None else Stored(0, 0)
    assert not stored.dead_letters, stored


def _batches(events: int, file: TextIO) -> Iterator[tuple[int, Sequence[KafkaRecord]]]:
    """Yield the batches of the partitions in the order of time; write their values to ``file``."""
    waiting: list[list[KafkaRecord]] = [[] for _ in range(PARTITIONS)]
    for record in _records(events):
        file.write(b64decode(record.value or "").decode() + "\n")
        waiting[record.partition].append(record)
        if len(waiting[record.partition]) == BATCH:
            yield record.partition, waiting[record.partition]
            waiting[record.partition] = []
    yield from enumerate(waiting)


def _records(events: int) -> Iterator[KafkaRecord]:
    """Yield that many events or some more, spread over the days, and their repeats."""
    chance = random.Random(1)
    films = [(uuid_of(chance), DURATIONS[n % len(DURATIONS)]) for n in range(FILMS)]
    users = [uuid_of(chance) for _ in range(USERS)]
    offsets: dict[tuple[str, int], int] = {}
    made = 0
    while made < events:
        part = Traffic(chance, offsets)
        begin = BEGIN + timedelta(days=DAYS * made / events)
        add_sittings(part, users, films, _SITTINGS, begin)
        made += len(part.sent)
        yield from part.records()


class _Progress:
    """Prints how many records were counted, and how fast, from time to time."""

    def __init__(self, events: int) -> None:
        # Each tenth event is repeated.
        self._records = round(events * 1.1)
        self._began = self._told_at = time.monotonic()
        self._told = 0

    def tell(self, records: int) -> None:
        """Print a line if the last one is some seconds old."""
        now = time.monotonic()
        if now - self._told_at < _PROGRESS_SECONDS:
            return
        lately = (records - self._told) / (now - self._told_at)
        left = max(0, self._records - records) * (now - self._began) / records
        print(
            f"{records:>12,} of about {self._records:,} records, {lately:,.0f} a second, "
            f"{left / 60:,.0f} minutes left",
            flush=True,
        )
        self._told, self._told_at = records, now


def _compare(settings: DatabaseSettings, path: Path) -> int:
    began = time.monotonic()
    ranges = [*RANGES, *_MORE_RANGES]
    expected = all_figures(Figures(path), ranges)
    print(f"DuckDB computes the figures in {time.monotonic() - began:,.0f} s")
    with closing(Database(settings, 600)) as database:
        stored = all_figures(Tables(database), ranges)
        (row,) = database.run(lambda transaction: transaction.rows(_SIZES))
    print(
        "PostgreSQL has {events:,} events of {sessions:,} sessions, {megabytes:,} MB".format(**row)
    )
    status = 0
    for name, rows in expected.items():
        if difference := different(stored[name], rows):
            status = 1
            print(f"  {name}: DIFFERENT, {difference}")
        else:
            print(f"  {name}: {len(rows):,} rows, {_sum(rows):,} in total, equal")
    return status


def _sum(rows: Sequence[tuple[Any, ...]]) -> int:
    return sum(row[-1] for row in rows)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
