"""Counts what was watched, from batches of events."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from aws_lambda_powertools.logging import Logger

from streaming.domain import clock
from streaming.domain.identifiers import parse_uuid
from streaming.domain.viewing import DeadLetter, Place, ViewingBatch, ViewingEvent
from streaming.events.records import InvalidRecord, KafkaRecord
from streaming.events.viewing import bytes_of, text_of, viewing_event
from streaming.observability.metrics import emit
from streaming.repository.analytics.record import BatchRejected, Stored, ViewingRecord

logger = Logger(child=True)


class RecordViewing:
    """Stores each batch once; records that cannot be counted become dead letters."""

    def __init__(self, record: ViewingRecord) -> None:
        self._record = record

    def __call__(self, records: Iterable[KafkaRecord]) -> Stored:
        """Store the records; the same ones again change nothing.

        Raises ``DatabaseUnavailable``; the same records can then be processed again.
        """
        batch = _batch_of(records, clock.milliseconds(clock.now()))
        stored = self._store(batch)
        if stored.dead_letters:
            emit(SkippedRecords=stored.dead_letters)
        return stored

    def _store(self, batch: ViewingBatch) -> Stored:
        """Store ``batch``; what PostgreSQL rejects is searched for, and becomes a dead letter."""
        try:
            return self._record.store(batch)
        except BatchRejected as error:
            if len(batch.events) > 1:
                parts = [self._store(part) for part in _halves(batch)]
                return Stored(
                    sum(part.events for part in parts), sum(part.dead_letters for part in parts)
                )
            if not batch.events:
                raise
            place, event = batch.events[0]
            logger.warning("PostgreSQL rejects an event", record=place, error=str(error))
            letter = DeadLetter(place, "PostgreSQL rejects it", user_id=event.user_id)
            return self._store(
                replace(batch, events=(), dead_letters=(*batch.dead_letters, letter))
            )


def _batch_of(records: Iterable[KafkaRecord], now_ms: int) -> ViewingBatch:
    events: dict[object, tuple[Place, ViewingEvent]] = {}
    letters: list[DeadLetter] = []
    next_offsets: dict[tuple[str, int], int] = {}
    for record in records:
        place = Place(record.topic, record.partition, record.offset)
        partition = (record.topic, record.partition)
        next_offsets[partition] = max(next_offsets.get(partition, 0), record.offset + 1)
        try:
            event = viewing_event(record, now_ms)
        except InvalidRecord as error:
            letters.append(_letter(record, place, str(error)))
        else:
            events.setdefault(event.event_id, (place, event))
    return ViewingBatch(tuple(events.values()), tuple(letters), next_offsets)


def _letter(record: KafkaRecord, place: Place, reason: str) -> DeadLetter:
    logger.warning("a record is skipped", record=place, reason=reason)
    key = text_of(record.key)
    return DeadLetter(place, reason, key, parse_uuid(key), bytes_of(record.value))


def _halves(batch: ViewingBatch) -> Sequence[ViewingBatch]:
    """Return the two halves of the events; the second one has all that is not an event."""
    middle = len(batch.events) // 2
    return (
        ViewingBatch(batch.events[:middle], (), {}),
        replace(batch, events=batch.events[middle:]),
    )
