"""Starting a film."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming import clock
from streaming.addresses import truncated
from streaming.answers import Started
from streaming.delivery.playable import Delivery
from streaming.entitlement import Entitlement
from streaming.event_sink import EventSink
from streaming.events import StreamEvent, new_event_id
from streaming.identifiers import uuid7
from streaming.progress_cache import ProgressCache
from streaming.repository import Repository
from streaming.session_rows import NewSession
from streaming.signing import ManifestType

_LONGEST_USER_AGENT = 512


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who starts a film, and from where. ``authorization`` is their header's value."""

    user_id: UUID
    authorization: str
    user_agent: str | None
    ip_address: str | None


class StartStream:
    """Checks the subscription, makes the film playable and opens a session."""

    def __init__(
        self,
        entitlement: Entitlement,
        delivery: Delivery,
        repository: Repository,
        progress_cache: ProgressCache,
        events: EventSink,
    ) -> None:
        self._entitlement = entitlement
        self._delivery = delivery
        self._repository = repository
        self._progress_cache = progress_cache
        self._events = events

    def __call__(
        self, viewer: Viewer, movie_id: UUID, manifest_type: ManifestType, now: datetime
    ) -> Started:
        """Start ``movie_id`` for ``viewer``.

        Raises ``SubscriptionRequired``, ``EntitlementUnavailable``, ``MovieNotFound``,
        ``FilmUnplayable``, ``StorageUnavailable`` and ``DatabaseUnavailable``.
        """
        self._entitlement.require(viewer.user_id, viewer.authorization, now)
        film = self._delivery.playable(movie_id, manifest_type, now)
        session = NewSession(
            id=uuid7(clock.milliseconds(now)),
            user_id=viewer.user_id,
            movie_id=movie_id,
            manifest_type=manifest_type,
            film_duration_seconds=film.duration_seconds,
            started_at=now,
            user_agent=_storable(viewer.user_agent),
            ip_address=truncated(viewer.ip_address),
        )
        event = StreamEvent(
            new_event_id(now), "stream_start", viewer.user_id, movie_id, now, session.id
        )
        message = self._events.message(event)
        opened = self._repository.open_session(session, message)
        progress = opened.progress
        if message is not None and opened.event_is_next:
            self._events.send_committed(message)
        if progress is not None:
            self._progress_cache.keep(progress)
        return Started(
            manifest_url=film.manifest_url,
            expires_in=film.expires_in,
            manifest_type=manifest_type,
            session_id=session.id,
            resume_position_seconds=progress.position_seconds if progress else 0,
            duration_seconds=film.duration_seconds,
            completed=progress.completed if progress else False,
        )


def _storable(text: str | None) -> str | None:
    """Return ``text`` as PostgreSQL can store it: no NUL, no lone surrogate, not too long."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:_LONGEST_USER_AGENT]
