"""Builds what housekeeping needs."""

import os
from functools import cache

from streaming.composition.delivery import delivery, film_presence
from streaming.composition.events import event_publisher, event_sink
from streaming.composition.record import stream_slots
from streaming.composition.secret import rotating
from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.config.privacy import PrivacySettings
from streaming.repository.database import Database
from streaming.repository.films import Films
from streaming.repository.idempotency import IdempotencyKeys
from streaming.repository.outbox import Outbox
from streaming.repository.personal_data import PersonalData
from streaming.repository.playback import Playback
from streaming.usecases.housekeeping.check_films import CheckFilms
from streaming.usecases.housekeeping.end_abandoned import EndAbandonedSessions
from streaming.usecases.housekeeping.expire_keys import ExpireIdempotencyKeys
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from streaming.usecases.housekeeping.renew_copies import RenewCopies
from streaming.usecases.housekeeping.retention import ForgetPersonalData

# Nobody waits for housekeeping, which reads more at once than any request.
_STATEMENT_SECONDS = 10.0


@cache
def end_abandoned_sessions() -> EndAbandonedSessions:
    """Build the use case of ending abandoned sessions."""
    return EndAbandonedSessions(Playback(_database()), stream_slots(), event_sink())


@cache
def relay_outbox() -> RelayOutbox:
    """Build the use case of relaying the outbox."""
    publisher = event_publisher() if EventSettings.are_enabled(os.environ) else None
    return RelayOutbox(Outbox(_database()), publisher)


@cache
def renew_copies() -> RenewCopies:
    """Build the use case of renewing the copies of films in use."""
    return RenewCopies(Films(_database()), delivery())


@cache
def check_films() -> CheckFilms:
    """Build the use case of looking for the films that viewers may continue."""
    return CheckFilms(Films(_database()), film_presence())


@cache
def expire_idempotency_keys() -> ExpireIdempotencyKeys:
    """Build the use case of deleting old idempotency keys."""
    return ExpireIdempotencyKeys(IdempotencyKeys(_database()))


@cache
def forget_personal_data() -> ForgetPersonalData:
    """Build the use case of forgetting personal data."""
    settings = PrivacySettings.from_environment(os.environ)
    return ForgetPersonalData(PersonalData(_database()), settings.retention_days)


@cache
def _database() -> Database:
    source = rotating(DatabaseSettings.from_environment, "DATABASE_SECRET_ARN")
    settings = source or DatabaseSettings.from_environment(os.environ)
    return Database(settings, _STATEMENT_SECONDS)
