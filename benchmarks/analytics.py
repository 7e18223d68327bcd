"""How many events a second are counted: in batches, one at a time, and by simple statements.

``python -m benchmarks.analytics [EVENTS]``. Viewers report every ten seconds, and their events
arrive in the order of time, as they do in production. PostgreSQL is the embedded one.
"""

import base64
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from benchmarks.postgres import patiently, temporary_database
from streaming.domain import clock
from streaming.events.records import KafkaRecord
from streaming.events.viewing import viewing_event
from streaming.repository.analytics.record import Stored, ViewingRecord
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction
from streaming.usecases.record_viewing import RecordViewing

EVENTS = 40_000
BATCH = 2000
ONE_BY_ONE = 300
VIEWERS = 4000
FILMS = 200
BEGIN = datetime(2026, 11, 28, 18, tzinfo=UTC)

# What a consumer does at least, event by event: it finds repeats, and counts the time since the
# event before, for the session and for the day of the film.
_STEPS = (
    "INSERT INTO simple_events VALUES (:event_id, :session_id, :at_ms) ON CONFLICT DO NOTHING",
    """
    INSERT INTO simple_sessions AS stored VALUES (:session_id, :at_ms, 0)
    ON CONFLICT (session_id) DO UPDATE
    SET watched_ms = stored.watched_ms + least(30000, excluded.last_ms - stored.last_ms),
        last_ms = excluded.last_ms
    """,
    """
    INSERT INTO simple_days AS stored VALUES (:movie_id, :day, 10000)
    ON CONFLICT (movie_id, day) DO UPDATE SET watched_ms = stored.watched_ms + 10000
    """,
)
_TABLES = """
    CREATE TABLE simple_events (event_id uuid PRIMARY KEY, session_id uuid, at_ms bigint);
    CREATE TABLE simple_sessions (session_id uuid PRIMARY KEY, last_ms bigint, watched_ms bigint);
    CREATE TABLE simple_days (movie_id uuid, day date, watched_ms bigint,
        PRIMARY KEY (movie_id, day))
"""


def main(events: int = EVENTS) -> None:
    """Print events a second, and how many times as fast batches are."""
    records = list(_records(events + 2 * ONE_BY_ONE))
    with temporary_database() as database:
        record_viewing = RecordViewing(ViewingRecord(database))

        def consumer(batch: list[KafkaRecord]) -> Stored:
            return patiently(lambda: record_viewing(batch))

        whole, rest = records[:events], records[events:]
        batches = [whole[start : start + BATCH] for start in range(0, events, BATCH)]
        together = _rate(events, lambda: [consumer(batch) for batch in batches])
        one_by_one, simple_ones = rest[:ONE_BY_ONE], rest[ONE_BY_ONE:]
        single = _rate(ONE_BY_ONE, lambda: [consumer([record]) for record in one_by_one])
        database.run(lambda transaction: transaction.script(_TABLES))
        simple = _rate(ONE_BY_ONE, lambda: [_simple(database, each) for each in simple_ones])
    print(f"counting {events:,} events of {VIEWERS:,} viewers and {FILMS} films")
    print(f"  batches of {BATCH:,}: {together:,.0f} a second")
    print(f"  one by one, the same statements: {single:,.0f} a second, 1/{together / single:.0f}")
    print(f"  one by one, three simple upserts: {simple:,.0f} a second, 1/{together / simple:.0f}")


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _simple(database: Database, record: KafkaRecord) -> UUID:
    """Count one event by the least statements."""
    event = viewing_event(record, 0)
    values = {
        "event_id": event.event_id,
        "session_id": event.session_id,
        "movie_id": event.movie_id,
        "at_ms": event.at_ms,
        "day": BEGIN.date(),
    }

    def work(transaction: Transaction) -> None:
        for statement in _STEPS:
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            transaction.rows(statement, **used)

    patiently(lambda: database.run(work))
    return event.event_id


def _records(count: int) -> Iterator[KafkaRecord]:
    """Yield the events of viewers who have all started a film within ten seconds."""
    chance = random.Random(1)
    films = [UUID(int=chance.getrandbits(128), version=4) for _ in range(FILMS)]
    viewers = []
    for number in range(VIEWERS):
        at = BEGIN + timedelta(seconds=10 * number / VIEWERS)
        user_id = UUID(int=chance.getrandbits(128), version=4)
        viewers.append((at, user_id, chance.choice(films), _uuid7(chance, at)))
    for offset in range(count):
        step, number = divmod(offset, VIEWERS)
        started_at, user_id, film, session_id = viewers[number]
        at = started_at + timedelta(seconds=10 * step)
        value = {
            "event_id": str(_uuid7(chance, at)),
            "user_id": str(user_id),
            "movie_id": str(film),
            "action": "stream_progress" if step else "stream_start",
            "timestamp": clock.iso(at),
            "session_id": str(session_id),
            "position_seconds": 10 * step or None,
            "sequence": step,
        }
        if not step:
            value |= {"manifest_type": "hls", "device": "tv", "duration_seconds": 5400}
        text = base64.b64encode(json.dumps(value).encode()).decode()
        yield KafkaRecord("stream.progress", 0, offset, text, None, clock.milliseconds(at))


def _uuid7(chance: random.Random, at: datetime) -> UUID:
    low = UUID(int=chance.getrandbits(128), version=4).int & (1 << 80) - 1
    return UUID(int=clock.milliseconds(at) << 80 | low & ~(0xF << 76) | 0x7 << 76)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
