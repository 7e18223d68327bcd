"""The record of what was watched: stores batches of events with their offsets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

import pg8000.native

from streaming.domain.errors import DatabaseUnavailable
from streaming.domain.identifiers import milliseconds_of
from streaming.domain.viewing import (
    DAY_MS,
    DeadLetter,
    Place,
    ViewingBatch,
    ViewingEvent,
    day_of,
)
from streaming.repository.analytics import ledger
from streaming.repository.analytics.sessions import Owner, add_events, find_owners
from streaming.repository.analytics.viewer_days import adjust_viewer_days
from streaming.repository.analytics.viewers import change_viewers
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction

_ADD_MONTH = "SELECT analytics_add_month(CAST(:month AS date))"
# The planner does not know how many rows a batch has, nor statistics of new rows. By its guesses it
# would read tables as a whole, compare all rows of a batch with all others, and compile the plan.
# Subqueries with OFFSET 0 are still read by index for each row.
_PLAN_BY_INDEX = """
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_nestloop', 'off', true),
        set_config('jit', 'off', true)
"""

# Classes of SQLSTATE: data exceptions, violated constraints.
_OF_THE_DATA = ("22", "23")


class BatchRejected(Exception):
    """PostgreSQL rejects a value in the batch; nothing of it is stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How many events of a batch are counted, and how many are dead letters; repeats included."""

    events: int
    dead_letters: int


class ViewingRecord:
    """Stores batches. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database, rebuild_id: UUID | None = None) -> None:
        self._database = database
        self._rebuild_id = rebuild_id
        self._months: set[date] = set()

    def store(self, batch: ViewingBatch) -> Stored:
        """Store a batch and its offsets in one transaction; a repeated batch changes nothing.

        Raises ``BatchRejected``, and ``DatabaseUnavailable`` also while the figures are rebuilt.
        """
        try:
            self._add_months(batch)
            return self._database.run(lambda transaction: self._store(transaction, batch))
        except pg8000.native.DatabaseError as error:
            if str(error.args[0].get("C", "")).startswith(_OF_THE_DATA):
                raise BatchRejected(str(error.args[0].get("M"))) from error
            raise

    def _store(self, transaction: Transaction, batch: ViewingBatch) -> Stored:
        state = ledger.lock(transaction)
        if state.rebuilt_by != self._rebuild_id:
            raise DatabaseUnavailable("the figures are being rebuilt")
        transaction.rows(_PLAN_BY_INDEX)
        owners = find_owners(transaction, list({e.session_id for _, e in batch.events}))
        events, refused = _divide(batch.events, owners, state.first_month)
        if events:
            units = add_events(transaction, events)
            change_viewers(transaction, adjust_viewer_days(transaction, units))
        letters = (*batch.dead_letters, *refused)
        ledger.save_dead_letters(transaction, letters)
        ledger.save_offsets(transaction, batch.next_offsets)
        return Stored(len(events), len(letters))

    def _add_months(self, batch: ViewingBatch) -> None:
        """Create the missing partitions, in transactions of their own."""
        months = {month for _, event in batch.events for month in _months_of(event)}
        for month in sorted(months - self._months):

            def add(transaction: Transaction, month: date = month) -> None:
                transaction.rows(_ADD_MONTH, month=month)

            self._database.run(add)
            self._months.add(month)


def _months_of(event: ViewingEvent) -> set[date]:
    return {
        _month_of(milliseconds_of(event.session_id) // DAY_MS),
        _month_of(event.at_ms // DAY_MS),
    }


@lru_cache
def _month_of(day_number: int) -> date:
    return day_of(day_number).replace(day=1)


def _divide(
    located: Sequence[tuple[Place, ViewingEvent]], owners: dict[UUID, Owner], first_month: date
) -> tuple[list[ViewingEvent], list[DeadLetter]]:
    """Return the events that count, and dead letters of those that their session excludes."""
    known = dict(owners)
    counted: list[ViewingEvent] = []
    refused: list[DeadLetter] = []
    for place, event in located:
        owner = known.setdefault(event.session_id, Owner(event.user_id, event.movie_id))
        reason = None
        if min(_months_of(event)) < first_month:
            reason = "the session's data have been deleted"
        elif owner.movie_id != event.movie_id or owner.user_id not in (None, event.user_id):
            reason = "the session belongs to another user or film"
        if reason is None:
            counted.append(event)
        else:
            refused.append(DeadLetter(place, reason, user_id=event.user_id))
    return counted, refused
