"""The lifetime of the credentials that sign URLs, which limits the lifetime of the URLs."""

from dataclasses import dataclass
from datetime import datetime

from streaming.domain.errors import StorageUnavailable


@dataclass(frozen=True, slots=True)
class SigningLifetime:
    """The lifetime of the signing key. ``expires_at`` is None for a permanent key."""

    expires_at: datetime | None = None

    def is_dead(self, now: datetime) -> bool:
        """Return whether the key may have expired."""
        return self.expires_at is not None and self.expires_at <= now

    def end(self, now: datetime) -> datetime | None:
        """Return when URLs signed ``now`` expire with the key; None for a permanent key.

        Raises ``StorageUnavailable`` if the key may have expired, because S3 would reject its URLs.
        """
        if self.is_dead(now):
            raise StorageUnavailable("the credentials that sign URLs may have expired")
        return self.expires_at

    def expires_in(self, asked_seconds: int, now: datetime) -> int:
        """Return how many seconds a URL signed ``now`` is valid, at most ``asked_seconds``.

        Raises ``StorageUnavailable`` if the key may have expired.
        """
        end = self.end(now)
        if end is None:
            return asked_seconds
        return max(1, min(asked_seconds, int((end - now).total_seconds())))
