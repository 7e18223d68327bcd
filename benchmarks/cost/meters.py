"""Reads what a block of calls has used of the servers and of the log."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis
from kafka import KafkaConsumer, TopicPartition

from benchmarks.processors import processor_seconds
from local.stack import Stack
from tests.support.wal import WriteAheadLog

# What the names of PostgreSQL's processes begin with.
_POSTGRES = "postgres"
_COMMITS = """
    SELECT count(*)
    FROM pg_get_wal_records_info(CAST(:since AS pg_lsn), pg_current_wal_flush_lsn())
    WHERE resource_manager = 'Transaction' AND record_type LIKE 'COMMIT%'
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of the servers at one time."""

    position: str
    database_seconds: float
    redis_commands: int
    offsets: dict[TopicPartition, int]
    log_bytes: int


class Meters:
    """Meters of a running stack. A context manager.

    Args:
        stack: The stack.
        topics: The topics whose records are measured.
        log: The file that the measured function prints to.
    """

    def __init__(self, stack: Stack, topics: Sequence[str], log: Path) -> None:
        self._stack = stack
        self._topics = topics
        self._log = log
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Connect to the servers."""
        variables = self._stack.environment
        self._wal = self._open.enter_context(WriteAheadLog(self._stack.postgres))
        self._database = self._stack.postgres.connect_as_administrator()
        self._open.callback(self._database.close)
        self._redis = redis.Redis(port=int(variables["REDIS_PORT"]))
        self._open.callback(self._redis.close)
        self._consumer = KafkaConsumer(
            bootstrap_servers=variables["KAFKA_BOOTSTRAP_SERVERS"].split(","), group_id=None
        )
        self._open.callback(self._consumer.close)
        self._partitions = [
            TopicPartition(topic, partition)
            for topic in self._topics
            for partition in self._consumer.partitions_for_topic(topic) or ()
        ]
        self._consumer.assign(self._partitions)
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._open.close()

    def read(self) -> Reading:
        """Return the present counters."""
        return Reading(
            self._wal.position(),
            processor_seconds(_POSTGRES),
            self._commands(),
            self._consumer.end_offsets(self._partitions),
            self._log.stat().st_size if self._log.exists() else 0,
        )

    def since(self, before: Reading) -> dict[str, float]:
        """Return what was used since a reading, by the names of ``Usage``."""
        database_seconds, commands = processor_seconds(_POSTGRES), self._commands()
        wal_bytes = self._wal.since(before.position).written_bytes
        commits = 0
        if wal_bytes:
            ((commits,),) = self._database.run(_COMMITS, since=before.position)
        return {
            "database_ms": (database_seconds - before.database_seconds) * 1000,
            "commits": float(commits),
            "wal_bytes": float(wal_bytes),
            "redis_commands": float(commands - before.redis_commands),
            "event_bytes": float(self._sent(before.offsets)),
            "log_bytes": float(self._log.stat().st_size - before.log_bytes),
        }

    def _commands(self) -> int:
        found: dict[str, dict[str, Any]] = self._redis.info("commandstats")
        return sum(
            int(each["calls"])
            for name, each in found.items()
            if not name.startswith("cmdstat_info")
        )

    def _sent(self, offsets: dict[TopicPartition, int]) -> int:
        """Return the bytes of the keys and values that were sent since these offsets."""
        ends = self._consumer.end_offsets(self._partitions)
        for partition, offset in offsets.items():
            self._consumer.seek(partition, offset)
        total = 0
        while any(self._consumer.position(each) < ends[each] for each in self._partitions):
            for records in self._consumer.poll(timeout_ms=500).values():
                total += sum(len(each.key or b"") + len(each.value) for each in records)
        return total
