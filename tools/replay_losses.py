"""Finds what a replay would lose: what was counted, and is not in Kafka any more.

A broker that keeps its topics in memory begins new ones when it restarts, and so does a topic that
was created again. Their first offset is 0, as if no record was missing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from streaming.domain.viewing import ALL_FILMS
from streaming.repository.database import Database

_OFFSETS = """
    SELECT topic, partition, next_offset
    FROM analytics_offsets
    WHERE topic = ANY(CAST(:topics AS text[]))
    ORDER BY topic, partition
"""

_SESSIONS = f"""
    SELECT CAST(coalesce(sum(sessions), 0) AS bigint) AS sessions
    FROM analytics_days
    WHERE movie_id = '{ALL_FILMS}'
"""  # noqa: S608


def losses(
    database: Database, begins: Mapping[Any, int], ends: Mapping[Any, int], start_topic: str
) -> Iterator[str]:
    """Yield the reasons why the topics have less than the figures.

    ``begins`` and ``ends`` are the offsets of the first record and after the last one, by
    kafka-python's partitions. Raises ``DatabaseUnavailable``.
    """
    deleted = sorted(_name(each.topic, each.partition) for each in begins if begins[each] > 0)
    if deleted:
        yield f"Kafka has deleted the first records of {', '.join(deleted)}"
    topics = sorted({each.topic for each in ends})
    known = {(each.topic, each.partition): end for each, end in ends.items()}
    counted = database.query(_OFFSETS, topics=topics)
    for row in counted:
        end = known.get((row["topic"], row["partition"]), 0)
        if end < row["next_offset"]:
            name = _name(row["topic"], row["partition"])
            yield f"{name} ends at offset {end}, and was counted up to {row['next_offset']}"
    (figures,) = database.query(_SESSIONS)
    starts = sum(ends[each] - begins[each] for each in ends if each.topic == start_topic)
    if starts < figures["sessions"]:
        yield f"{start_topic} has {starts} records, and {figures['sessions']} starts were counted"


def _name(topic: str, partition: int) -> str:
    return f"{topic}-{partition}"
