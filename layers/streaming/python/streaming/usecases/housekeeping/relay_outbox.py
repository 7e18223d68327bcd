"""Relays the outbox to Kafka."""

import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.events.event import Message
from streaming.events.refusal import Refusal
from streaming.repository.outbox import SETTLING_SECONDS, Measures, Outbox, Outcome, Waiting

logger = Logger(child=True)

_KEYS = 500
_PER_KEY = 50
# About how long the transaction of a batch holds its locks.
_BATCH_SECONDS = 2.0
_WAIT_SECONDS = 1.5
_LEAST_WAIT_SECONDS = 0.2

_FIRST_PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 900.0
_MOST_ATTEMPTS = 10


class Producer(Protocol):
    """Sends messages to Kafka."""

    def deliver(self, messages: Sequence[Message], wait_seconds: float) -> Mapping[UUID, Refusal]:
        """Send independent messages; return the refusals of unacknowledged ones by event id."""
        ...


@dataclass(frozen=True, slots=True)
class Relayed:
    """How many messages a run sent and moved to the dead letters, and the outbox's measures."""

    relayed: int
    dead: int
    left: Measures


class RelayOutbox:
    """Sends the messages that requests could not send, oldest first and in order for each key.

    Messages that Kafka will never accept move to the dead letters. If Kafka accepts other messages
    but not the next one of a key, that key is postponed, longer each time.
    """

    def __init__(self, outbox: Outbox, producer: Producer | None) -> None:
        """Relay with ``producer``; None sends nothing and only measures the outbox."""
        self._outbox = outbox
        self._producer = producer

    def __call__(
        self, budget_seconds: float, settling_seconds: float = SETTLING_SECONDS
    ) -> Relayed:
        """Relay until Kafka accepts no further message. Raises ``DatabaseUnavailable``.

        Starts no batch after ``budget_seconds``. Messages younger than ``settling_seconds`` are
        left to the request that created them.
        """
        if self._producer is None:
            return Relayed(0, 0, self._outbox.measure())
        run = _Run(self._producer, time.monotonic() + budget_seconds)
        after, moved_before = 0, 0
        while not run.is_over:
            batch = self._outbox.relay(
                run.send,
                after=after,
                keys=_KEYS,
                per_key=_PER_KEY,
                settling_seconds=settling_seconds,
            )
            run.count(batch.outcome)
            after = batch.last
            if batch.keys < _KEYS:
                if run.moved == moved_before:
                    break
                # Start again, for further messages of the same keys and for new messages.
                after, moved_before = 0, run.moved
        return Relayed(run.relayed, run.dead, self._outbox.measure())


class _Run:
    """One run: sends batches, and counts the messages that Kafka has accepted or refused."""

    def __init__(self, producer: Producer, ends_at: float) -> None:
        self._producer = producer
        self._ends_at = ends_at
        self._refused: set[int] = set()
        self.relayed = 0
        self.dead = 0

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() > self._ends_at

    @property
    def moved(self) -> int:
        """How many messages have left the outbox."""
        return self.relayed + self.dead

    def count(self, outcome: Outcome) -> None:
        """Count the messages that a batch has moved out of the outbox."""
        self.relayed += len(outcome.acknowledged)
        self.dead += len(outcome.dead)

    def send(self, queues: Sequence[Sequence[Waiting]]) -> Outcome:
        """Send the queues concurrently, one message of each queue at a time.

        This keeps the order: a queue stops at a message that is not acknowledged, and its later
        messages may have other topics.
        """
        ends_at = min(self._ends_at, time.monotonic() + _BATCH_SECONDS)
        outcome = Outcome()
        refused: list[tuple[Waiting, Refusal]] = []
        going = [deque(queue) for queue in queues]
        while going and time.monotonic() < ends_at:
            heads = [queue.popleft() for queue in going]
            refusals = self._deliver(heads)
            for head in heads:
                refusal = refusals.get(head.message.event_id)
                if refusal is None:
                    outcome.acknowledged.append(head.id)
                elif refusal.reason == "message":
                    _bury(outcome, head, refusal)
                else:
                    refused.append((head, refusal))
            stuck = {head.message.key for head, _ in refused}
            going = [queue for queue in going if queue and queue[0].message.key not in stuck]
        # Count an attempt only if Kafka accepted another message in this run. Otherwise Kafka is
        # unavailable. The first refusal in a run does not count either: a broker that has just
        # become a partition's leader refuses the first try and accepts the second.
        if self.relayed or outcome.acknowledged:
            for head, refusal in refused:
                if head.id in self._refused:
                    _postpone(outcome, head, refusal)
        self._refused.update(head.id for head, _ in refused)
        return outcome

    def _deliver(self, heads: Sequence[Waiting]) -> dict[UUID, Refusal]:
        messages = [head.message for head in heads]
        # The time after the run's end is for deleting acknowledged messages from the outbox.
        wait = min(_WAIT_SECONDS, max(_LEAST_WAIT_SECONDS, self._ends_at - time.monotonic()))
        refusals = dict(self._producer.deliver(messages, wait))
        # Kafka refuses a whole batch for one invalid record, so these messages are sent singly.
        for message in messages:
            refusal = refusals.get(message.event_id)
            if refusal and refusal.reason == "message" and len(messages) > 1:
                del refusals[message.event_id]
                refusals |= self._producer.deliver([message], wait)
        return refusals


def _postpone(outcome: Outcome, head: Waiting, refusal: Refusal) -> None:
    if refusal.reason == "topic" and head.attempts + 1 >= _MOST_ATTEMPTS:
        _bury(outcome, head, refusal)
        return
    pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**head.attempts)
    outcome.postponed[head.id] = pause * random.uniform(0.5, 1.0)  # noqa: S311


def _bury(outcome: Outcome, head: Waiting, refusal: Refusal) -> None:
    message = head.message
    error = repr(refusal.error)
    logger.error(
        "an event is moved to the dead letters",
        event_id=message.event_id,
        topic=message.topic,
        error=error,
    )
    outcome.dead[head.id] = error
