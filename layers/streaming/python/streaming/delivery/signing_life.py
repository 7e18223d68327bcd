"""How long the credentials that sign URLs live, and so how long a URL can."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# AWS STS issues no session shorter than this.
_SHORTEST_SESSION = timedelta(seconds=900)


@dataclass(frozen=True, slots=True)
class SigningLife:
    """The life of the signing key.

    ``is_temporary`` tells that its URLs die with a session; ``expires_at`` is when, if known.
    """

    is_temporary: bool = False
    expires_at: datetime | None = None

    def end(self, now: datetime) -> datetime | None:
        """Return until when URLs signed ``now`` can be trusted; None for a permanent key.

        A session of unknown life is trusted for as long as the shortest one that there is.
        """
        if not self.is_temporary:
            return None
        return self.expires_at or now + _SHORTEST_SESSION

    def expires_in(self, asked_seconds: int, now: datetime) -> int:
        """Return how long a URL signed ``now`` really lives, at most ``asked_seconds``."""
        end = self.end(now)
        if end is None:
            return asked_seconds
        return max(1, min(asked_seconds, int((end - now).total_seconds())))
