"""Relaying the outbox to Kafka."""

from dataclasses import dataclass

from streaming.event_publisher import EventPublisher
from streaming.outbox import SETTLING_SECONDS, Outbox

_BATCH = 500
_MOST_BATCHES = 20
_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """How many messages a run has relayed, how many still wait, and the oldest for how long."""

    relayed: int
    waiting: int
    oldest_seconds: float


class RelayOutbox:
    """Publishes what requests could not, oldest first, until Kafka stops acknowledging."""

    def __init__(self, outbox: Outbox, publisher: EventPublisher) -> None:
        self._outbox = outbox
        self._publisher = publisher

    def __call__(self, settling_seconds: float = SETTLING_SECONDS) -> Relayed:
        """Relay batches until one is not full. Raises ``DatabaseUnavailable``.

        Messages younger than ``settling_seconds`` are left to the request that made them.
        """
        relayed = 0
        for _ in range(_MOST_BATCHES):
            read, acknowledged = self._outbox.relay(
                lambda messages: self._publisher.publish(messages, _WAIT_SECONDS),
                _BATCH,
                settling_seconds,
            )
            relayed += acknowledged
            if acknowledged < _BATCH or read < _BATCH:
                break
        return Relayed(relayed, *self._outbox.measure())
