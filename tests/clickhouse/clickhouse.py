"""The tables and reports of analytics/clickhouse, with records as Kafka delivers them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from streaming.events.records import KafkaRecord
from tests.support.functions import ROOT

PYTHON = ROOT / f".venv/clickhouse-{sys.version_info.major}.{sys.version_info.minor}/bin/python"
_SQL = ROOT / "analytics" / "clickhouse"
_FILES = ("1_events.sql", "2_figures.sql", "3_compute.sql", "4_kafka.sql")

# In the place of the Kafka engine's table: rows that are inserted are what a broker delivers.
_KAFKA = """
    CREATE TABLE viewing.kafka (
        message String, _topic LowCardinality(String), _partition UInt64, _offset UInt64,
        _timestamp_ms Nullable(DateTime64(3))
    )
    ENGINE = Null
"""

# What happens every minute.
COMPUTE = (
    "SYSTEM REFRESH VIEW viewing.compute_figures",
    "SYSTEM WAIT VIEW viewing.compute_figures",
)

_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")

_DEAD_LETTERS = """
    SELECT reason FROM viewing.dead_letters FINAL ORDER BY topic, kafka_partition, kafka_offset
"""

Rows = dict[str, list[list[Any]]]

Statement = str | tuple[str, str, int]
"""SQL; or SQL that is executed until a query returns at least a number."""
# An engine that waits for records that do not come would never end.
_MOST_SECONDS = 300


def report(name: str, **values: object) -> str:
    """Return the query of a report, with the values of its parameters."""
    return _filled((_SQL / "reports" / f"{name}.sql").read_text("utf-8"), values)


def erasure(**values: object) -> list[str]:
    """Return the statements that erase a user."""
    return [_filled(each, values) for each in _statements("erase.sql")]


def _filled(statement: str, values: dict[str, object]) -> str:
    return _PARAMETER.sub(lambda found: f"CAST('{values[found[1]]}' AS {found[2]})", statement)


def reports(first: str, last: str) -> dict[str, str]:
    """Return the queries of all figures from one day to another, and of the dead letters."""
    names = ("days", "retention", "breakdown", "concurrency", "unique_viewers")
    queries = {name: report(name, first=first, last=last) for name in names}
    films = report("movies", first=first, last=last, limit=1000, offset=0)
    return queries | {"movies": films, "dead_letters": _DEAD_LETTERS}


def run(folder: Path, batches: Iterable[Sequence[KafkaRecord]], queries: dict[str, str]) -> Rows:
    """Insert batches of records into new tables in ``folder``; return the rows of each query.

    The figures are computed after each ten batches, and at the end.
    """
    statements = [*created()]
    for number, batch in enumerate(batches):
        statements.append(inserted(folder / f"{number}.jsonl", batch))
        statements += COMPUTE if number % 10 == 9 else ()
    return execute(folder, [*statements, *COMPUTE], queries)


def execute(
    folder: Path, statements: Sequence[Statement], queries: dict[str, str], tolerated: str = ""
) -> Rows:
    """Execute statements in a database in ``folder``; return the rows of each query.

    A statement may fail with the ``tolerated`` message.
    """
    work = {
        "folder": str(folder / "clickhouse"),
        "statements": statements,
        "queries": queries,
        "tolerated": tolerated,
    }
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("engine.py")],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        check=False,
        timeout=_MOST_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    found: Rows = json.loads(done.stdout)
    return found


def kafka_table() -> str:
    """Return the statement that creates the Kafka engine's table."""
    (found,) = [each for each in _statements("4_kafka.sql") if "ENGINE = Kafka" in each]
    return found


def created() -> Iterator[str]:
    """Yield the statements that create everything, with another table instead of Kafka's."""
    for name in _FILES:
        for statement in _statements(name):
            yield _KAFKA if statement == kafka_table() else statement


def reading(brokers: str, records: int) -> list[Statement]:
    """Return the statements that create everything, and then read some records from Kafka.

    The library has no threads that would read for a materialized view, so its query inserts.
    """
    view = "CREATE MATERIALIZED VIEW viewing.read_kafka TO viewing.records AS"
    made = [
        kafka_table().replace("localhost:9092", brokers) if each == _KAFKA else each
        for each in created()
    ]
    (query,) = [each for each in made if view in each]
    insert = query.replace(view, "INSERT INTO viewing.records")
    insert += " SETTINGS stream_like_engine_allow_direct_select = 1"
    place = "topic, kafka_partition, kafka_offset"
    kept = f"CREATE TABLE viewing.read ENGINE = Log AS SELECT {place} FROM viewing.records"
    keep = f"""
        CREATE MATERIALIZED VIEW viewing.keep_read TO viewing.read AS
        SELECT {place} FROM viewing.records
    """
    # Without commits, the engine may deliver a record again.
    count = f"SELECT uniqExact({place}) FROM viewing.read"
    others = [each for each in made if each != query]
    return [*others, kept, keep, (insert, count, records)]


def _statements(name: str) -> list[str]:
    return [part for part in (_SQL / name).read_text("utf-8").split(";\n") if part.strip()]


def _row(record: KafkaRecord) -> dict[str, object]:
    return {
        "encoded": record.value or "",
        "topic": record.topic,
        "kafka_partition": record.partition,
        "kafka_offset": record.offset,
        "sent_ms": record.timestamp,
    }


def inserted(path: Path, batch: Sequence[KafkaRecord]) -> str:
    """Write a batch to a file; return the statement that inserts it as Kafka delivers it."""
    path.write_text("\n".join(json.dumps(_row(each)) for each in batch))
    columns = "topic String, kafka_partition UInt64, kafka_offset UInt64, sent_ms Int64"
    return f"""
        INSERT INTO viewing.kafka (message, _topic, _partition, _offset, _timestamp_ms)
        SELECT tryBase64Decode(encoded), topic, kafka_partition, kafka_offset,
            fromUnixTimestamp64Milli(sent_ms)
        FROM file('{path}', 'JSONEachRow', 'encoded String, {columns}')
    """
