"""The consumer of the events in a history: fed from its beginning, read at its end."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

from streaming.config.database import DatabaseSettings
from streaming.repository.analytics.rebuild import Rebuild
from streaming.repository.database import Database
from tests.histories.event_source import EventSource
from tests.histories.evidence import Counted
from tests.histories.invented import invented_records, ranges_until
from tests.histories.plan import Plan
from tests.histories.recorder import Invokes
from tests.histories.rig import Rig
from tests.support.kafka import publish
from tests.support.viewing_database import all_figures
from tests.support.viewing_tables import Tables

_SESSIONS = """
    SELECT CAST(session_id AS text), count(*) FILTER (WHERE kind = 1) AS starts,
        count(*) FILTER (WHERE kind >= 3) AS ends
    FROM analytics_events
    GROUP BY session_id
"""

_DEAD_LETTERS = 'SELECT topic, partition, "offset", reason FROM analytics_dead_letters'


# A batch in a new process has about as many steps; a process without a step that late survives.
_MOST_STEPS = 40


class Consumer:
    """Counts the events of a history, beside some invented ones, from no figures on."""

    def __init__(self, rig: Rig, environments: Invokes, plan: Plan) -> None:
        self._rig = rig
        random = Random(plan.seed)
        deaths = _deaths(random, plan.consumer_deaths or 0.0)
        empty_figures(rig)
        self.source = EventSource(rig.kafka_log, environments, random, deaths)
        self._today = datetime.now(UTC)
        earlier, self._later = invented_records(plan.seed, self._today)
        publish(f"127.0.0.1:{rig.kafka_port}", earlier)

    def finish(self) -> Counted:
        """Count what is left; return the figures, and the events that they are of."""
        publish(f"127.0.0.1:{self._rig.kafka_port}", self._later)
        self.source.drain()
        return counted(self._rig, self.source, ranges_until(self._today))


def empty_figures(rig: Rig) -> None:
    """Forget all events that were counted."""
    with closing(_database(rig)) as database:
        rebuild = Rebuild(database, uuid4())
        rebuild.begin()
        rebuild.end()


def counted(rig: Rig, source: EventSource, ranges: tuple[tuple[str, str], ...]) -> Counted:
    """Return the figures, and the events that ``source`` had to deliver."""
    with closing(_database(rig)) as database:
        tables = all_figures(Tables(database), ranges)
    rows = rig.rows(_SESSIONS)
    return Counted(
        events=_each_once(source),
        ranges=ranges,
        tables=tables,
        sessions={row["session_id"]: (row["starts"], row["ends"]) for row in rows},
        dead_letters=tuple(str(row) for row in rig.rows(_DEAD_LETTERS)),
    )


def _deaths(random: Random, share: float) -> Iterator[int | None]:
    while True:
        yield random.randint(1, _MOST_STEPS) if random.random() < share else None


def _each_once(source: EventSource) -> tuple[Mapping[str, Any], ...]:
    """Return the events without repeats; of those the first counts."""
    events: dict[str, Mapping[str, Any]] = {}
    for record in source.records:
        value = json.loads(record.value)
        events.setdefault(value["event_id"], value)
    return tuple(events.values())


def _database(rig: Rig) -> Database:
    return Database(DatabaseSettings(rig.stack.environment["DATABASE_URL"]), 30)
