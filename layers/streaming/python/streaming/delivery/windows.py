"""Time windows: all viewers of one window share one signed copy of a film's manifests."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from streaming.domain.films import film_prefix

LONGEST_SIGNATURE = timedelta(days=7)
_PAUSES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time from ``begins_at`` that lasts ``length``."""

    begins_at: datetime
    length: timedelta

    @classmethod
    def at(cls, moment: datetime, length_seconds: int) -> "Window":
        """Return the window of ``length_seconds`` that ``moment`` lies in; they start at 1970."""
        seconds = int(moment.timestamp())
        begins_at = datetime.fromtimestamp(seconds - seconds % length_seconds, UTC)
        return cls(begins_at, timedelta(seconds=length_seconds))

    @property
    def name(self) -> str:
        """The window's name in keys, which sorts by time: ``20260101T000000Z``."""
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
        """The window that follows."""
        return Window(self.begins_at + self.length, self.length)

    def signature_life(self, duration_seconds: float, until: datetime | None = None) -> int:
        """Return for how many seconds URLs inside a film of that duration are signed.

        They are signed as of the window's beginning and outlive the film for whoever starts at its
        end: one and a half times the duration, an hour for pauses, and the window itself; but not
        ``until``, when the signing key dies.
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

    ``signing_id`` keeps apart what is signed with different keys or for different hosts, as while
    a key is rotated; ``edition`` what was published before and after an invalidation. A playlist
    that reads variables from its ``query`` has a copy for each.
    """
    folder = "-".join(filter(None, (window.name, signing_id, edition)))
    variant = f"{hashlib.sha256(query.encode()).hexdigest()[:16]}/" if query else ""
    return f"playback/{folder}/{film_prefix(movie_id)}{variant}{path}"
