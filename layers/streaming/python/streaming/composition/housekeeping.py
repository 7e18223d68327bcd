"""Builds what housekeeping needs."""

from functools import cache

from streaming.composition.delivery import delivery
from streaming.composition.events import event_publisher
from streaming.composition.record import outbox, repository
from streaming.service.relay import RelayOutbox
from streaming.service.renew import RenewCopies


@cache
def relay_outbox() -> RelayOutbox:
    """Build the use case of relaying the outbox."""
    return RelayOutbox(outbox(), event_publisher())


@cache
def renew_copies() -> RenewCopies:
    """Build the use case of renewing the copies of films in use."""
    return RenewCopies(repository(), delivery())
