"""Time windows: all users who start in one window share a signed copy of a film's manifests."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from streaming.domain.films import film_prefix

LONGEST_SIGNATURE = timedelta(days=7)
_PAUSES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The time from ``begins_at`` until ``length`` later."""

    begins_at: datetime
    length: timedelta

    @classmethod
    def at(cls, moment: datetime, length_seconds: int) -> "Window":
        """Return the window that contains ``moment``; they are aligned to the Unix epoch."""
        seconds = int(moment.timestamp())
        begins_at = datetime.fromtimestamp(seconds - seconds % length_seconds, UTC)
        return cls(begins_at, timedelta(seconds=length_seconds))

    @property
    def name(self) -> str:
        """The name of the window in keys; names sort by time: ``20260101T000000Z``."""
        return self.begins_at.strftime("%Y%m%dT%H%M%SZ")

    def seconds_left(self, moment: datetime) -> int:
        """Return the whole seconds from ``moment`` to the window's end, at least 1."""
        return max(1, int((self.begins_at + self.length - moment).total_seconds()))

    @property
    def length_seconds(self) -> int:
        """The window's length in whole seconds."""
        return int(self.length.total_seconds())

    @property
    def next(self) -> "Window":
        """The next window."""
        return Window(self.begins_at + self.length, self.length)

    def signature_life(self, duration_seconds: float, until: datetime | None = None) -> int:
        """Return for how many seconds the URLs in a film of this duration are valid.

        They are signed as of the start of the window, and must suffice for a playback that starts
        at its end: one and a half times the duration, an hour for pauses, and the window itself;
        but at most seven days, and not longer than ``until``, when the signing key expires.
        """
        longest = min(duration_seconds * 1.5, LONGEST_SIGNATURE.total_seconds())
        life = timedelta(seconds=longest) + _PAUSES + self.length
        if until is not None:
            life = min(life, until - self.begins_at)
        return max(1, int(min(life, LONGEST_SIGNATURE).total_seconds()))


def copy_key(
    window: Window, signing_id: str, edition: str, movie_id: UUID, path: str, query: str = ""
) -> str:
    """Return the key of the signed copy of the manifest ``path`` of the film.

    ``signing_id`` separates copies signed with different keys or for different hosts, for example
    during a rotation; ``edition`` separates copies from before and after an invalidation. A
    playlist that reads variables from its ``query`` has a copy for each query.
    """
    folder = "-".join(filter(None, (window.name, signing_id, edition)))
    variant = f"{hashlib.sha256(query.encode()).hexdigest()[:16]}/" if query else ""
    return f"playback/{folder}/{film_prefix(movie_id)}{variant}{path}"
