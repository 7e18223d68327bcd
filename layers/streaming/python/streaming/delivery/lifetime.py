"""How long the credentials that sign URLs live, and so how long a URL can."""

from dataclasses import dataclass
from datetime import datetime

from streaming.domain.errors import StorageUnavailable


@dataclass(frozen=True, slots=True)
class SigningLifetime:
    """The life of the signing key. ``expires_at`` is when it dies; None for a permanent one."""

    expires_at: datetime | None = None

    def is_dead(self, now: datetime) -> bool:
        """Tell whether the key may have died."""
        return self.expires_at is not None and self.expires_at <= now

    def end(self, now: datetime) -> datetime | None:
        """Return until when URLs signed ``now`` can be trusted; None for a permanent key.

        Raises ``StorageUnavailable`` for a key that may have died: its URLs would be refused.
        """
        if self.is_dead(now):
            raise StorageUnavailable("the credentials that sign URLs may have expired")
        return self.expires_at

    def expires_in(self, asked_seconds: int, now: datetime) -> int:
        """Return how long a URL signed ``now`` really lives, at most ``asked_seconds``.

        Raises ``StorageUnavailable`` as ``end`` does.
        """
        end = self.end(now)
        if end is None:
            return asked_seconds
        return max(1, min(asked_seconds, int((end - now).total_seconds())))
