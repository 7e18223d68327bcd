"""The object of an execution environment: its use cases, and the adapters that they use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from streaming.composition.analytics import AnalyticsParts

if TYPE_CHECKING:
    from streaming.usecases.cached_positions import CachedPositions
    from streaming.usecases.erase_user import EraseUser
    from streaming.usecases.find_progress import FindFilmsToContinue, FindProgress, RemoveProgress
    from streaming.usecases.forget_subscriptions import ForgetSubscriptions
    from streaming.usecases.housekeeping.check_films import CheckFilms
    from streaming.usecases.housekeeping.end_abandoned import EndAbandonedSessions
    from streaming.usecases.housekeeping.expire_keys import ExpireIdempotencyKeys
    from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
    from streaming.usecases.housekeeping.renew_copies import RenewCopies
    from streaming.usecases.housekeeping.retention import ForgetPersonalData
    from streaming.usecases.invalidate_film import InvalidateFilm
    from streaming.usecases.report_progress import ReportProgress
    from streaming.usecases.start_stream import StartStream
    from streaming.usecases.stop_stream import StopStream

_MIGRATION_SECONDS = 240.0


class Environment(AnalyticsParts):
    """The use cases of all functions; each is built once, when it is first used.

    Every property imports what it builds, so that a function loads only the clients that it uses::

        environment = Environment(os.environ, preload=["stop_stream"])
        environment.stop_stream(report)
    """

    @cached_property
    def cached_positions(self) -> CachedPositions:
        """The positions in Redis."""
        from streaming.usecases.cached_positions import CachedPositions

        return CachedPositions(self.progress_cache, self.cache_trust, self.cache_trust_record)

    @cached_property
    def start_stream(self) -> StartStream:
        """Starts a film."""
        from streaming.config.viewing import SessionSettings
        from streaming.usecases.start_stream import StartStream
        from streaming.usecases.stream_limit import StreamLimit

        self.connect_to_kafka("stream_start")
        return StartStream(
            self.entitlement,
            StreamLimit(self.stream_slots, self.playback, self.event_sink),
            self.delivery,
            self.playback,
            self.idempotency_keys,
            self.cached_positions,
            self.event_sink,
            self.films,
            self.film_presence,
            SessionSettings.from_environment(self.variables).max_streams,
            self.redis_cache.reading_ahead,
        )

    @cached_property
    def report_progress(self) -> ReportProgress:
        """Saves a position."""
        from streaming.usecases.report_progress import ReportProgress

        self.connect_to_kafka("stream_progress")
        return ReportProgress(
            self.playback, self.cached_positions, self.stream_slots, self.event_sink
        )

    @cached_property
    def stop_stream(self) -> StopStream:
        """Ends a session."""
        from streaming.usecases.stop_stream import StopStream

        self.connect_to_kafka("stream_stop")
        return StopStream(self.playback, self.cached_positions, self.stream_slots, self.event_sink)

    @cached_property
    def find_progress(self) -> FindProgress:
        """Finds the position in a film."""
        from streaming.usecases.find_progress import FindProgress

        return FindProgress(self.progress_record, self.cached_positions)

    @cached_property
    def find_films_to_continue(self) -> FindFilmsToContinue:
        """Finds the films that a user has started."""
        from streaming.config.viewing import WatchingSettings
        from streaming.usecases.find_progress import FindFilmsToContinue

        settings = WatchingSettings.from_environment(self.variables)
        return FindFilmsToContinue(
            self.progress_record, settings.min_seconds, settings.min_percent / 100
        )

    @cached_property
    def remove_progress(self) -> RemoveProgress:
        """Removes a film from those to continue."""
        from streaming.usecases.find_progress import RemoveProgress

        return RemoveProgress(self.progress_record, self.cached_positions)

    @cached_property
    def invalidate_film(self) -> InvalidateFilm:
        """Publishes a film as it is in the bucket now."""
        from streaming.usecases.invalidate_film import InvalidateFilm

        return InvalidateFilm(self.delivery, self.films, self.cache_trust_record)

    @cached_property
    def erase_user(self) -> EraseUser:
        """Erases a user."""
        from streaming.repository.cache_trust import CacheTrustRecord
        from streaming.repository.personal_data import PersonalData
        from streaming.usecases.erase_user import EraseUser

        database = self.patient_database
        return EraseUser(
            PersonalData(database),
            self.progress_cache,
            self.redis_cache,
            CacheTrustRecord(database, self.cache_trust),
        )

    @cached_property
    def forget_subscriptions(self) -> ForgetSubscriptions:
        """Forgets cached subscriptions."""
        from streaming.usecases.forget_subscriptions import ForgetSubscriptions

        return ForgetSubscriptions(self.redis_cache)

    @cached_property
    def end_abandoned_sessions(self) -> EndAbandonedSessions:
        """Ends abandoned sessions."""
        from streaming.repository.playback import Playback
        from streaming.usecases.housekeeping.end_abandoned import EndAbandonedSessions

        playback = Playback(self.patient_database)
        return EndAbandonedSessions(playback, self.stream_slots, self.event_sink)

    @cached_property
    def relay_outbox(self) -> RelayOutbox:
        """Relays the outbox to Kafka."""
        from streaming.config.events import EventSettings
        from streaming.repository.outbox import Outbox
        from streaming.usecases.housekeeping.relay_outbox import RelayOutbox

        producer = self.event_producer if EventSettings.are_enabled(self.variables) else None
        return RelayOutbox(Outbox(self.patient_database), producer)

    @cached_property
    def renew_copies(self) -> RenewCopies:
        """Renews the copies of films in use."""
        from streaming.repository.films import Films
        from streaming.usecases.housekeeping.renew_copies import RenewCopies

        return RenewCopies(Films(self.patient_database), self.delivery)

    @cached_property
    def check_films(self) -> CheckFilms:
        """Checks whether the films that users may continue are still in the bucket."""
        from streaming.repository.films import Films
        from streaming.usecases.housekeeping.check_films import CheckFilms

        films = Films(self.patient_database)
        return CheckFilms(films, self.film_presence, self.cache_trust_record)

    @cached_property
    def expire_idempotency_keys(self) -> ExpireIdempotencyKeys:
        """Deletes old idempotency keys."""
        from streaming.repository.idempotency import IdempotencyKeys
        from streaming.usecases.housekeeping.expire_keys import ExpireIdempotencyKeys

        return ExpireIdempotencyKeys(IdempotencyKeys(self.patient_database))

    @cached_property
    def forget_personal_data(self) -> ForgetPersonalData:
        """Deletes old personal data."""
        from streaming.config.privacy import PrivacySettings
        from streaming.repository.personal_data import PersonalData
        from streaming.usecases.housekeeping.retention import ForgetPersonalData

        settings = PrivacySettings.from_environment(self.variables)
        return ForgetPersonalData(PersonalData(self.patient_database), settings.retention_days)

    def migrate(self) -> list[str]:
        """Apply the pending migrations; return their names. Raises as ``migrations.apply``."""
        from pathlib import Path

        from streaming.repository.database import Database
        from streaming.repository.migrations import apply

        directory = Path(self.variables.get("MIGRATIONS_DIRECTORY") or "/opt")
        database = Database(self.database_settings(), _MIGRATION_SECONDS)
        try:
            return apply(database, directory)
        finally:
            database.close()
