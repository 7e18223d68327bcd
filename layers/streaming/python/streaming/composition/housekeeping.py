"""Builds what housekeeping needs."""

from functools import cache

from streaming.composition.delivery import delivery
from streaming.composition.events import event_publisher, event_sink
from streaming.composition.record import outbox, repository
from streaming.service.abandoned import EndAbandonedSessions
from streaming.service.relay import RelayOutbox
from streaming.service.renew import RenewCopies


@cache
def end_abandoned_sessions() -> EndAbandonedSessions:
    """Build the use case of ending abandoned sessions."""
    return EndAbandonedSessions(repository(), event_sink())


@cache
def relay_outbox() -> RelayOutbox:
    """Build the use case of relaying the outbox."""
    return RelayOutbox(outbox(), event_publisher())


@cache
def renew_copies() -> RenewCopies:
    """Build the use case of renewing the copies of films in use."""
    return RenewCopies(repository(), delivery())
