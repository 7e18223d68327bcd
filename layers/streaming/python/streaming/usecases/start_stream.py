"""Starts a stream."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.access.entitlement import Entitlement
from streaming.delivery.protocol import Delivery, PlayableFilm
from streaming.domain import clock
from streaming.domain.errors import DatabaseUnavailable, MovieNotFound, StorageUnavailable
from streaming.domain.films import ManifestType
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.domain.identifiers import uuid7
from streaming.domain.ip_addresses import truncated
from streaming.domain.progress import SavedProgress, position_to_resume
from streaming.domain.sessions import NewSession, StartedStream
from streaming.events.event import StreamEvent, new_event_id
from streaming.repository.films import Films
from streaming.repository.idempotency import IdempotencyKeys
from streaming.repository.playback import Playback
from streaming.usecases.cached_positions import CachedPositions
from streaming.usecases.event_sink import EventSink
from streaming.usecases.stream_limit import Reservation, StreamLimit

logger = Logger(child=True)

_LONGEST_USER_AGENT = 512
# The function's time-out is shorter, so an older attempt is not running any more.
_LONGEST_ATTEMPT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user who starts a stream. ``authorization`` is the value of the request's header."""

    user_id: UUID
    authorization: str
    user_agent: str | None
    ip_address: str | None


class StartStream:
    """Checks the subscription, makes the film playable and opens a session.

    ``is_there`` returns whether the bucket contains a film, with any manifest type.
    ``reading_ahead`` reads several keys of Redis in one round trip.
    """

    def __init__(
        self,
        entitlement: Entitlement,
        stream_limit: StreamLimit,
        delivery: Delivery,
        playback: Playback,
        keys: IdempotencyKeys,
        positions: CachedPositions,
        events: EventSink,
        films: Films,
        is_there: Callable[[UUID], bool],
        max_streams: int,
        reading_ahead: Callable[[Sequence[str]], AbstractContextManager[None]],
    ) -> None:
        self._reading_ahead = reading_ahead
        self._entitlement = entitlement
        self._stream_limit = stream_limit
        self._delivery = delivery
        self._playback = playback
        self._keys = keys
        self._positions = positions
        self._events = events
        self._films = films
        self._is_there = is_there
        self._max_streams = max_streams

    def __call__(
        self,
        viewer: Viewer,
        movie_id: UUID,
        manifest_type: ManifestType,
        now: datetime,
        key: IdempotencyKey | None = None,
        *,
        take_over: bool = False,
    ) -> StartedStream:
        """Start ``movie_id`` for ``viewer``; a repeated ``key`` opens no second session.

        A repeat returns the first session while it is open. At the limit of concurrent streams,
        ``take_over`` ends the oldest one. Raises ``SubscriptionRequired``,
        ``EntitlementUnavailable``, ``StreamLimitReached``, ``MovieNotFound``, ``FilmUnplayable``,
        ``StorageUnavailable``, ``DatabaseUnavailable``, ``IdempotencyKeyReused``,
        ``RequestInProgress`` and ``SessionEnded``.
        """
        cache_keys = [
            *self._entitlement.cache_keys(viewer.user_id),
            *self._delivery.cache_keys(movie_id, manifest_type, now),
        ]
        with self._reading_ahead(cache_keys):
            return self._start(viewer, movie_id, manifest_type, now, key, take_over=take_over)

    def _start(
        self,
        viewer: Viewer,
        movie_id: UUID,
        manifest_type: ManifestType,
        now: datetime,
        key: IdempotencyKey | None,
        *,
        take_over: bool,
    ) -> StartedStream:
        attempt = self._claim(viewer.user_id, key, now)
        try:
            subscription = self._entitlement.require(viewer.user_id, viewer.authorization, now)
            limit = subscription.max_streams
            limit = self._max_streams if limit is None else limit
            if attempt.is_completed:
                progress = self._repeat(viewer.user_id, movie_id, attempt, limit, now)
                film = self._delivery.playable(movie_id, manifest_type, now)
            else:
                with self._stream_limit.slot(
                    viewer.user_id, attempt.session_id, limit, take_over=take_over
                ) as reservation:
                    film = self._delivery.playable(movie_id, manifest_type, now)
                    session = _new_session(viewer, movie_id, manifest_type, now, film, attempt)
                    progress = self._open(session, attempt.event_id, key, reservation)
        except BaseException as error:
            if key is not None and not attempt.is_completed:
                self._release(viewer.user_id, key, attempt)
            if isinstance(error, MovieNotFound):
                self._note_missing(movie_id, now)
            raise
        return StartedStream(
            manifest_url=film.manifest_url,
            expires_in=film.expires_in,
            manifest_type=manifest_type,
            session_id=attempt.session_id,
            resume_position_seconds=position_to_resume(
                progress.position_seconds if progress else 0, film.duration_seconds
            ),
            duration_seconds=film.duration_seconds,
            completed=progress.completed if progress else False,
        )

    def _claim(self, user_id: UUID, key: IdempotencyKey | None, now: datetime) -> Attempt:
        attempt = Attempt(uuid7(clock.milliseconds(now)), new_event_id(now))
        if key is None:
            return attempt
        try:
            return self._keys.claim(user_id, key, attempt, _LONGEST_ATTEMPT_SECONDS)
        except DatabaseUnavailable:
            # The claim may have been committed despite the error.
            self._release(user_id, key, attempt)
            raise

    def _repeat(
        self, user_id: UUID, movie_id: UUID, attempt: Attempt, limit: int, now: datetime
    ) -> SavedProgress | None:
        session_id = attempt.session_id
        repeated = self._playback.find_repeated(user_id, movie_id, session_id)
        self._stream_limit.keep(user_id, session_id, limit, repeated.last_heartbeat_at, now)
        self._offer(repeated.progress)
        return repeated.progress

    def _open(
        self,
        session: NewSession,
        event_id: UUID,
        key: IdempotencyKey | None,
        reservation: Reservation,
    ) -> SavedProgress | None:
        event = StreamEvent.of_start(session, event_id)
        opened = self._playback.open_session(
            session, event, self._events.message, key, reservation.taken_over
        )
        sending = self._events.begin_committed(opened.next_messages)
        reservation.check()
        self._offer(opened.progress)
        sending()
        return opened.progress

    def _offer(self, progress: SavedProgress | None) -> None:
        if progress is not None:
            self._positions.offer(progress)

    def _note_missing(self, movie_id: UUID, now: datetime) -> None:
        try:
            # The film may have the other manifest type only.
            if not self._is_there(movie_id):
                self._films.mark(movie_id, now, is_there=False)
        except (StorageUnavailable, DatabaseUnavailable):
            logger.warning("the absence of the film is not saved yet")

    def _release(self, user_id: UUID, key: IdempotencyKey, attempt: Attempt) -> None:
        try:
            self._keys.release(user_id, key, attempt)
        except DatabaseUnavailable:
            # Repeats get ``RequestInProgress`` until ``_LONGEST_ATTEMPT_SECONDS`` have passed.
            logger.warning("the Idempotency-Key of a failed start is not released yet")


def _new_session(
    viewer: Viewer,
    movie_id: UUID,
    manifest_type: ManifestType,
    now: datetime,
    film: PlayableFilm,
    attempt: Attempt,
) -> NewSession:
    return NewSession(
        id=attempt.session_id,
        user_id=viewer.user_id,
        movie_id=movie_id,
        manifest_type=manifest_type,
        film_duration_seconds=film.duration_seconds,
        started_at=now,
        user_agent=_storable(viewer.user_agent),
        ip_address=truncated(viewer.ip_address),
    )


def _storable(text: str | None) -> str | None:
    """Return ``text`` in a form that PostgreSQL stores: truncated, without NUL and surrogates."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:_LONGEST_USER_AGENT]
