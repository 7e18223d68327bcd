"""Counts all events in Kafka again: ``make replay``.

Without DATABASE_URL in the environment it uses the servers of the running ``make run``. The figures
are deleted first. Lambda's batches fail until the end, and are then repeated by Lambda.
"""

import argparse
import base64
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.domain.errors import StreamingError
from streaming.events.records import KafkaRecord
from streaming.repository.analytics.rebuild import Rebuild
from streaming.repository.analytics.record import ViewingRecord
from streaming.repository.database import Database
from streaming.usecases.record_viewing import RecordViewing
from tools.local_stack import settings_of_servers
from tools.replay_losses import losses

ROOT = Path(__file__).parents[1]
ACTIONS = ("start", "progress", "stop")
BATCH = 5000
BATCH_SECONDS = 120.0
END_SECONDS = 30.0


class ReplayError(Exception):
    """The events cannot be counted again; the message says why."""


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument(
        "--lossy",
        action="store_true",
        help="also if records are not in Kafka any more, whose figures are then lost",
    )
    lossy = parser.parse_args().lossy
    try:
        environment = _environment()
        began = time.monotonic()
        counted, letters = replay(environment, lossy=lossy)
    except (ReplayError, StreamingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    print(f"{counted:,} events and {letters:,} dead letters in {seconds:.1f} s")
    return 0


def replay(environment: Mapping[str, str], *, lossy: bool) -> tuple[int, int]:
    """Count all records that the topics have now; return how many events and dead letters.

    Raises ``ReplayError`` before anything is deleted if Kafka does not answer or, unless ``lossy``,
    if the figures have records that the topics do not have any more.
    """
    counted = letters = 0
    database = Database(DatabaseSettings.from_environment(environment), BATCH_SECONDS)
    with closing(_consumer(environment)) as consumer, closing(database):
        prefix = EventSettings.topic_prefix_of(environment)
        begins, ends = _offsets(consumer, prefix)
        reasons = [] if lossy else list(losses(database, begins, ends, f"{prefix}.start"))
        if reasons:
            raise ReplayError(
                f"figures would be lost: {'; '.join(reasons)}. Nothing is changed; --lossy counts "
                "what is left"
            )
        rebuild_id = uuid4()
        rebuild = Rebuild(database, rebuild_id)
        rebuild.begin()
        record_viewing = RecordViewing(ViewingRecord(database, rebuild_id))
        whole = sum(ends.values())
        for batch in _batches(consumer, {each: end for each, end in ends.items() if end > 0}):
            recorded = record_viewing(batch)
            counted += recorded.events
            letters += recorded.dead_letters
            print(f"{counted + letters:,} of at most {whole:,} records", end="\r", flush=True)
        rebuild.end()
    return counted, letters


def _environment() -> Mapping[str, str]:
    found = settings_of_servers(os.environ)
    if found is None:
        raise ReplayError("neither DATABASE_URL is set nor does make run run")
    return found


def _consumer(environment: Mapping[str, str]) -> Any:
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    settings = EventSettings.from_environment(environment)
    try:
        return KafkaConsumer(
            bootstrap_servers=list(settings.bootstrap_servers),
            security_protocol=settings.security_protocol,
            sasl_mechanism=settings.sasl_mechanism,
            sasl_plain_username=settings.username,
            sasl_plain_password=settings.password,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH,
            bootstrap_timeout_ms=10_000,
        )
    except KafkaError as error:
        raise ReplayError(f"Kafka does not answer: {error}") from error


def _offsets(consumer: Any, prefix: str) -> tuple[dict[Any, int], dict[Any, int]]:
    """Return the first offsets and those after the last records by partition.

    The consumer is at the first ones.
    """
    from kafka import TopicPartition

    partitions = []
    for action in ACTIONS:
        topic = f"{prefix}.{action}"
        known = consumer.partitions_for_topic(topic)
        if not known:
            raise ReplayError(f"there is no topic {topic}")
        partitions += [TopicPartition(topic, number) for number in sorted(known)]
    consumer.assign(partitions)
    ends = _ends(consumer, partitions)
    consumer.seek_to_beginning(*partitions)
    return consumer.beginning_offsets(partitions), ends


def _ends(consumer: Any, partitions: Sequence[Any]) -> dict[Any, int]:
    """Return the high watermarks of fetches at the ends.

    The broker of ``make run`` answers to the question for the end with an offset in the middle of
    the last batch.
    """
    consumer.seek_to_end(*partitions)
    ends_at = time.monotonic() + END_SECONDS
    while any(consumer.highwater(each) is None for each in partitions):
        if time.monotonic() > ends_at:
            raise ReplayError("Kafka does not tell where the topics end")
        consumer.poll(timeout_ms=100)
    return {each: consumer.highwater(each) for each in partitions}


def _batches(consumer: Any, ends: Mapping[Any, int]) -> Iterator[list[KafkaRecord]]:
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        polled = consumer.poll(timeout_ms=1000)
        records = [_record(each) for batch in polled.values() for each in batch]
        if records:
            yield records


def _record(each: Any) -> KafkaRecord:
    return KafkaRecord(
        each.topic,
        each.partition,
        each.offset,
        _base64(each.value),
        _base64(each.key),
        each.timestamp,
    )


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


if __name__ == "__main__":
    sys.exit(main())
