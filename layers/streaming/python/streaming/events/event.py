"""The events about watched films that are sent to Kafka."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from streaming.domain import clock
from streaming.domain.devices import Device, device_of
from streaming.domain.films import ManifestType
from streaming.domain.identifiers import uuid7
from streaming.domain.progress import Report
from streaming.domain.sessions import ClosedSession, EndReason, NewSession

Action = Literal["stream_start", "stream_progress", "stream_stop"]

_TOPIC_SUFFIXES: dict[Action, str] = {
    "stream_start": "start",
    "stream_progress": "progress",
    "stream_stop": "stop",
}


# Added later: older consumers ignore them (docs/analytics.md).
_OPTIONAL = ("reason", "age_seconds", "manifest_type", "duration_seconds", "device")


def topic_of(action: Action, topic_prefix: str) -> str:
    """Return the topic for the events of ``action``."""
    return f"{topic_prefix}.{_TOPIC_SUFFIXES[action]}"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An action of a viewer at ``timestamp``. Consumers discard repeats by ``event_id``.

    ``reason`` is why a session ended without a stop from its player. A report was made
    ``age_seconds`` before ``timestamp``. The last three fields are those of a start; a message
    contains them, the age and the reason only if they are known.
    """

    event_id: UUID
    action: Action
    user_id: UUID
    movie_id: UUID
    timestamp: datetime
    session_id: UUID | None
    position_seconds: int | None = None
    sequence: int | None = None
    reason: EndReason | None = None
    age_seconds: float | None = None
    manifest_type: ManifestType | None = None
    duration_seconds: int | None = None
    device: Device | None = None

    @classmethod
    def of_start(cls, session: NewSession, event_id: UUID) -> "StreamEvent":
        """Return the event of the start of a session."""
        return cls(
            event_id=event_id,
            action="stream_start",
            user_id=session.user_id,
            movie_id=session.movie_id,
            timestamp=session.started_at,
            session_id=session.id,
            manifest_type=session.manifest_type,
            duration_seconds=session.film_duration_seconds,
            device=device_of(session.user_agent),
        )

    @classmethod
    def of_progress(cls, report: Report, session_id: UUID | None) -> "StreamEvent":
        """Return the event of a progress ``report``, which belongs to the session, if any.

        The id of an ordered report is derived from its order, so that each attempt to send its
        event sends the same one.
        """
        event_id = (
            uuid5(report.order.session_id, f"progress:{report.order.sequence}")
            if report.order
            else new_event_id(report.reported_at)
        )
        return cls._of_report("stream_progress", report, session_id, event_id)

    @classmethod
    def of_stop(cls, report: Report, session_id: UUID, event_id: UUID) -> "StreamEvent":
        """Return the event of a stop with the final ``report``."""
        return cls._of_report("stream_stop", report, session_id, event_id)

    @classmethod
    def _of_report(
        cls, action: Action, report: Report, session_id: UUID | None, event_id: UUID
    ) -> "StreamEvent":
        return cls(
            event_id=event_id,
            action=action,
            user_id=report.user_id,
            movie_id=report.movie_id,
            timestamp=report.reported_at,
            session_id=session_id,
            position_seconds=report.position_seconds,
            sequence=report.sequence,
            age_seconds=report.age_seconds or None,
        )

    @classmethod
    def of_end(cls, session: ClosedSession) -> "StreamEvent":
        """Return the event of the end of a session that its player did not stop."""
        return cls(
            event_id=new_event_id(session.ended_at),
            action="stream_stop",
            user_id=session.user_id,
            movie_id=session.movie_id,
            timestamp=session.ended_at,
            session_id=session.id,
            position_seconds=session.position_seconds,
            reason=session.reason,
        )

    def to_message(self, topic_prefix: str) -> "Message":
        """Return the event's Kafka message, for the topic of its action."""
        value: dict[str, str | float | None] = {
            "event_id": str(self.event_id),
            "user_id": str(self.user_id),
            "movie_id": str(self.movie_id),
            "action": self.action,
            "timestamp": clock.iso(self.timestamp),
            "session_id": str(self.session_id) if self.session_id else None,
            "position_seconds": self.position_seconds,
            "sequence": self.sequence,
        }
        for name in _OPTIONAL:
            if (known := getattr(self, name)) is not None:
                value[name] = known
        return Message(
            event_id=self.event_id,
            topic=topic_of(self.action, topic_prefix),
            key=key_of(self.user_id),
            value=json.dumps(value, separators=(",", ":")),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """The Kafka message of an event. Messages with the same ``key`` keep their order."""

    event_id: UUID
    topic: str
    key: str
    value: str


def key_of(user_id: UUID) -> str:
    """Return the key of the user's messages."""
    return str(user_id)


def new_event_id(at: datetime) -> UUID:
    """Generate the id of an event that happened ``at`` this time."""
    return uuid7(clock.milliseconds(at))
