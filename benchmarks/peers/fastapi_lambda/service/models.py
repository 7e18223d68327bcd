"""The tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The base of all tables."""

    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012


class StreamSession(Base):
    """One playback of a film."""

    __tablename__ = "stream_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    movie_id: Mapped[UUID]
    manifest_type: Mapped[str]
    film_duration_seconds: Mapped[int | None]
    started_at: Mapped[datetime]
    last_heartbeat_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    last_sequence: Mapped[int | None]
    user_agent: Mapped[str | None]
    ip_address: Mapped[str | None]


class WatchProgress(Base):
    """How far a user has watched a film."""

    __tablename__ = "watch_progress"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    movie_id: Mapped[UUID] = mapped_column(primary_key=True)
    position_seconds: Mapped[int]
    duration_seconds: Mapped[int | None]
    completed: Mapped[bool]
    completed_at: Mapped[datetime | None]
    times_completed: Mapped[int]
    session_id: Mapped[UUID | None]
    last_watched_at: Mapped[datetime]
    updated_at: Mapped[datetime]
