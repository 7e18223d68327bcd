"""ClickHouse refuses and corrects the same records as the service, with the same reasons."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streaming.domain.viewing import ViewingEvent
from streaming.events.records import InvalidRecord, KafkaRecord
from streaming.events.viewing import viewing_event
from tests.clickhouse.clickhouse import PYTHON, created, execute, inserted
from tests.support.viewing_traffic import BEGIN, record

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="ClickHouse is not installed (run make test-clickhouse)"
)

SENT_AT = BEGIN + timedelta(hours=1)
MISSING = object()

VALID: dict[str, Any] = {
    "event_id": "01a18eb1-dbe3-726b-9fda-2e5386def5a0",
    "user_id": "3b8faa18-37f8-488b-97fc-695a07a0ca6e",
    "movie_id": "8b9d2434-e465-4150-bd9c-66b3ad3c2d6d",
    "session_id": "019a3704-8b40-7685-8eaa-73e96bfed001",
    "position_seconds": 12,
    "timestamp": "2026-10-30T21:30:00.123Z",
}
KINDS: dict[str, dict[str, Any]] = {
    "stream_start": {"manifest_type": "hls", "duration_seconds": 600, "device": "tv"},
    "stream_progress": {"age_seconds": 2.5, "sequence": 3},
    "stream_stop": {"reason": "abandoned"},
}
# NaN is left out: it is no JSON, but the service ignores it in a field that it does not know.
ODD: tuple[object, ...] = (
    MISSING,
    None,
    "",
    "x",
    "ü\u0000",
    0,
    -1,
    1,
    12.0,
    12.5,
    1e300,
    2**63,
    True,
    [],
    {},
)
NONE = "00000000-0000-0000-0000-000000000000"
UUIDS = (NONE, VALID["user_id"].upper(), VALID["user_id"].replace("-", ""), VALID["user_id"] + " ")
ODD_FIELDS: dict[str, tuple[object, ...]] = {
    "event_id": UUIDS,
    "user_id": UUIDS,
    "movie_id": UUIDS,
    "session_id": (
        *UUIDS,
        "01a18eb1-dbe3-7685-0eaa-73e96bfed001",
        "00000000-0000-7000-8000-000000000000",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
    ),
    "action": ("stream_start ", "STREAM_START", "stream_pause"),
    "reason": ("taken_over", "abandoned ", "stolen"),
    "timestamp": (
        "2026-10-30",
        "2026-10-30T21:30",
        "2026-10-30 21:30:00",
        "2026-10-30T21:30:00",
        "2026-10-30T21:30:00.1239Z",
        "2026-10-30T23:30:00+02:00",
        "2026-10-30T21:30:00+0000",
        "20261030T213000Z",
        "1793395800",
        "2026-10-30T24:30:00Z",
        "2026-02-30T21:30:00Z",
        "2026-10-30T21:30:00Z tomorrow",
        "Fri, 30 Oct 2026 21:30:00 GMT",
        "2026-10-30T22:59:59.999Z",
        "2026-10-30T23:00:00.000Z",
        "2026-10-30T23:00:00.001Z",
        "2026-09-29T22:00:00Z",
        "2026-09-29T21:59:59.999Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
    ),
    "age_seconds": (2678400, 2678400.5, "2", 0.0004, 0.0005, 0.0015, 3600, 86400.25),
    "position_seconds": (604800, 604801, "12", 12.000001),
    "duration_seconds": (604800, 604801, "12", 12.000001),
    "manifest_type": ("dash", "HLS", "mss"),
    "device": ("other", "TV", "watch"),
}
RAW = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"1",
    b'"text"',
    b"{",
    b"{} {}",
    b"\xff\xfe",
    b"[" * 5000,
    b'{"a": 1, "a": 2}',
    b" {} ",
    b"\xef\xbb\xbf{}",
    b'{"x": "' + b"a" * 65526 + b'"}',
    b'{"x": "' + b"a" * 65527 + b'"}',
    b'{"x": "' + b"a" * 65540 + b'"}',
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": "\xff"}',
)


def values() -> Iterator[bytes]:
    """Yield values of records: each field of each event missing or odd, and what is no event."""
    yield from RAW
    for action, fields in KINDS.items():
        valid = VALID | fields | {"action": action}
        yield json.dumps(valid).encode()
        for name, odd in ODD_FIELDS.items():
            for value in (*ODD, *odd):
                changed = {**valid, name: value}
                if value is MISSING:
                    del changed[name]
                yield json.dumps(changed).encode()


def expected(each: KafkaRecord) -> list[Any]:
    """Return the reason of a dead letter, or what is counted."""
    try:
        event: ViewingEvent = viewing_event(each, 0)
    except InvalidRecord as error:
        return [str(error)]
    # Without one, the two name the session of the day's reports in different ways.
    has_session = b'"session_id": "' in base64.b64decode(each.value or "")
    session = str(event.session_id) if has_session else None
    return [
        "",
        str(event.event_id),
        session,
        str(event.user_id),
        str(event.movie_id),
        int(event.kind),
        event.at_ms,
        event.position_seconds,
        event.manifest_type,
        event.device,
        event.duration_seconds,
    ]


def test_rules_are_the_same(tmp_path: Path) -> None:
    """Each record has the same reason or the same values as in the service."""
    records = [
        record("stream.progress", 0, offset, value, SENT_AT)
        for offset, value in enumerate(values())
    ]
    keep = """
        CREATE TABLE viewing.seen ENGINE = MergeTree ORDER BY kafka_offset AS
        SELECT * FROM viewing.parsed
    """
    copy = "CREATE MATERIALIZED VIEW viewing.copy TO viewing.seen AS SELECT * FROM viewing.parsed"
    query = """
        SELECT reason, toString(event_id), if(length(session) = 36, session, NULL),
            toString(user_id), toString(movie_id), kind, at_ms, position_seconds, manifest_type,
            device, duration_seconds
        FROM viewing.seen ORDER BY kafka_offset
    """
    insert = inserted(tmp_path / "records.jsonl", records)
    found = execute(tmp_path, [*created(), keep, copy, insert], {"seen": query})["seen"]
    assert len(found) == len(records)
    for each, row in zip(records, found, strict=True):
        counted = row[:1] if row[0] else row
        assert counted == expected(each), base64.b64decode(each.value or "")[:400]
