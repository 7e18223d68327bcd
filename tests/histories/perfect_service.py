"""An in-memory service that keeps every promise: the checker must accept it; tests modify it."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.histories.evidence import Event, Evidence, FilmOfUser, ProgressRow, SessionRow
from tests.histories.model import Film, Place
from tests.histories.operations import Json, Operation

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class PerfectService:
    """Processes calls one at a time; its parts are public so that tests can break them."""

    def __init__(self) -> None:
        self.films: dict[FilmOfUser, Film] = defaultdict(Film)
        self.sessions: dict[str, SessionRow] = {}
        self.events: list[Event] = []
        self._numbers = count(1)

    def take(self, call: Operation) -> Json:
        """Apply ``call`` and return its response; code and status are the caller's."""
        assert call.movie_id is not None
        key = (call.user_id, call.movie_id)
        film = self.films[key]
        place = Place(call.session_id, call.sequence)
        match call.call:
            case "start":
                return self._start(call, key)
            case "get" if film.position is None:
                return {"code": "progress_not_found"}
            case "get":
                return {"position_seconds": film.position}
            case _ if not film.finds(place):
                return {"code": "session_not_found"}
            case "report":
                return self._report(call, key, place)
            case "stop":
                return self._stop(call, key, place)
        raise AssertionError(call)

    def evidence(self) -> Evidence:
        """Return the final contents."""
        progress = {
            key: ProgressRow(
                user_id=key[0],
                movie_id=key[1],
                position_seconds=film.position,
                duration_seconds=None,
                completed=False,
                session_id=film.order[0] if film.order else None,
                sequence=film.order[1] if film.order else None,
                version=1,
            )
            for key, film in self.films.items()
            if film.position is not None
        }
        cached = {
            key: {
                "position_seconds": row.position_seconds,
                "duration_seconds": None,
                "completed": False,
                "session_id": row.session_id,
                "sequence": row.sequence,
                "version": 1,
            }
            for key, row in progress.items()
        }
        sequences = dict(order for film in self.films.values() for order in film.sequences)
        sessions = {
            each.id: replace(each, last_sequence=sequences.get(each.id))
            for each in self.sessions.values()
        }
        return Evidence(progress, sessions, tuple(self.events), (), cached)

    def _start(self, call: Operation, key: FilmOfUser) -> Json:
        film = self.films[key]
        session_id = f"session-{next(self._numbers):04}"
        self.films[key] = film.start(session_id)
        self.sessions[session_id] = _session(session_id, key, str(call.number), None)
        self._tell("stream_start", key, session_id, None)
        return {
            "session_id": session_id,
            "resume_position_seconds": film.position or 0,
            "duration_seconds": None,
        }

    def _report(self, call: Operation, key: FilmOfUser, place: Place) -> Json:
        film, position = self.films[key], call.position
        assert position is not None
        has_ended = place.session_id in film.ended_sessions
        is_applied = film.counts(place) and not has_ended
        self.films[key] = film.report(position, place)
        if is_applied:
            self._tell("stream_progress", key, call.session_id, position)
        return {
            "position_seconds": self.films[key].position or 0,
            "applied": is_applied,
            "session_ended": has_ended,
        }

    def _stop(self, call: Operation, key: FilmOfUser, place: Place) -> Json:
        film, position = self.films[key], call.position
        assert position is not None
        ends = call.session_id or film.latest_open_session
        self.films[key] = film.stop(position, place, ends)
        if ends in film.open_sessions:
            row = self.sessions[ends]
            ended_at = STARTED_AT + timedelta(seconds=9)
            self.sessions[ends] = _session(ends, key, row.user_agent, ended_at)
            self._tell("stream_stop", key, ends, position)
        return {
            "position_seconds": self.films[key].position,
            "session_id": ends,
            "applied": film.counts(place),
            "session_ended": ends is not None,
        }

    def _tell(
        self, action: str, key: FilmOfUser, session_id: str | None, position: int | None
    ) -> None:
        value: dict[str, Any] = {
            "event_id": f"event-{next(self._numbers)}",
            "user_id": key[0],
            "movie_id": key[1],
            "action": action,
            "session_id": session_id,
            "position_seconds": position,
        }
        self.events.append(Event(action.replace("stream_", "stream."), key[0], value))


def _session(
    session_id: str, key: FilmOfUser, user_agent: str, ended_at: datetime | None
) -> SessionRow:
    return SessionRow(
        id=session_id,
        user_id=key[0],
        movie_id=key[1],
        started_at=STARTED_AT,
        last_heartbeat_at=ended_at or STARTED_AT,
        ended_at=ended_at,
        end_reason=None,
        duration_seconds=9 if ended_at else None,
        user_agent=user_agent,
    )
