"""The promises of the service about one film of one user, for sequential calls.

The same rules are implemented in SQL (``streaming.repository``); this implementation is
intentionally independent of the service's code.
"""

from dataclasses import dataclass, replace

from tests.histories.identifiers import short

Order = tuple[str, int]
"""Session id and sequence."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a report: a session, and its sequence there, or neither.

    ``is_outdated`` means that it was made before the recorded one, as far as ages show.
    """

    session_id: str | None = None
    sequence: int | None = None
    is_outdated: bool = False

    @property
    def order(self) -> Order | None:
        """The report's place among those of its session, or None."""
        if self.session_id is None or self.sequence is None:
            return None
        return self.session_id, self.sequence


@dataclass(frozen=True, slots=True)
class Film:
    """The record of one film of one user, with its sessions.

    ``sequences`` are the greatest sequences of sessions with sequences. Sessions are open, ended
    permanently, or abandoned, which their player may revert.
    """

    position: int | None = None
    order: Order | None = None
    sequences: frozenset[Order] = frozenset()
    open_sessions: frozenset[str] = frozenset()
    ended_sessions: frozenset[str] = frozenset()
    abandoned_sessions: frozenset[str] = frozenset()

    @property
    def sessions(self) -> frozenset[str]:
        """All sessions that were ever opened."""
        return self.open_sessions | self.ended_sessions | self.abandoned_sessions

    @property
    def latest_open_session(self) -> str | None:
        """The session to which a stop without a session id applies."""
        return max(self.open_sessions, default=None)

    def finds(self, place: Place) -> bool:
        """Return whether the session of a report, if any, was ever opened."""
        return place.session_id is None or place.session_id in self.sessions

    def counts(self, place: Place) -> bool:
        """Return whether a report replaces the record, because it was watched last.

        Within a session the greater sequence is the later one. Otherwise a report is made when it
        arrives, unless it states its age.
        """
        if place.order is None:
            return not place.is_outdated
        known = dict(self.sequences).get(place.order[0])
        if known is not None and place.order[1] <= known:
            return False
        is_of_its_session = self.order is not None and self.order[0] == place.order[0]
        return is_of_its_session or not place.is_outdated

    def start(self, session_id: str) -> "Film":
        """Open a session, once."""
        if session_id in self.sessions:
            return self
        return replace(self, open_sessions=self.open_sessions | {session_id})

    def report(self, position: int, place: Place) -> "Film":
        """Save a position if it counts and its session has not ended; reopen an abandoned one."""
        if place.session_id in self.ended_sessions:
            return self
        saved = self._set(position, place)
        session_id = place.session_id
        if session_id is None and not self.open_sessions:
            session_id = max(self.sessions, default=None)
        if session_id not in self.abandoned_sessions:
            return saved
        return replace(
            saved,
            open_sessions=self.open_sessions | {session_id},
            abandoned_sessions=self.abandoned_sessions - {session_id},
        )

    def stop(self, position: int, place: Place, ends: str | None) -> "Film":
        """Save the last position if it counts, and end the session ``ends`` permanently."""
        saved = self._set(position, place)
        return saved if ends is None else saved.end(ends)

    def end(self, session_id: str) -> "Film":
        """End a session permanently, once."""
        if session_id not in self.sessions:
            return self
        return replace(
            self,
            open_sessions=self.open_sessions - {session_id},
            abandoned_sessions=self.abandoned_sessions - {session_id},
            ended_sessions=self.ended_sessions | {session_id},
        )

    def abandon(self, session_id: str) -> "Film":
        """End a session without heartbeats."""
        if session_id not in self.open_sessions:
            return self
        return replace(
            self,
            open_sessions=self.open_sessions - {session_id},
            abandoned_sessions=self.abandoned_sessions | {session_id},
        )

    def __str__(self) -> str:
        """Return a description."""
        order = f" by {short(self.order[0])} sequence {self.order[1]}" if self.order else ""
        sessions = {
            "open": self.open_sessions,
            "ended": self.ended_sessions,
            "abandoned": self.abandoned_sessions,
        }
        told = [f"{self.position}{order}"]
        told += [
            f"{name} {' '.join(map(short, sorted(ids)))}" for name, ids in sessions.items() if ids
        ]
        return ", ".join(told)

    def _set(self, position: int, place: Place) -> "Film":
        noted = replace(self, sequences=self._noting(place))
        if not self.counts(place):
            return noted
        return replace(noted, position=position, order=place.order or self.order)

    def _noting(self, place: Place) -> frozenset[Order]:
        if place.order is None:
            return self.sequences
        session_id, sequence = place.order
        sequences = dict(self.sequences)
        sequences[session_id] = max(sequence, sequences.get(session_id, sequence))
        return frozenset(sequences.items())
