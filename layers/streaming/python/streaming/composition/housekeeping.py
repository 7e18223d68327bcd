"""Builds what housekeeping needs."""

from functools import cache

from streaming.composition.events import event_publisher
from streaming.composition.record import outbox
from streaming.service.relay import RelayOutbox


@cache
def relay_outbox() -> RelayOutbox:
    """Build the use case."""
    return RelayOutbox(outbox(), event_publisher())
