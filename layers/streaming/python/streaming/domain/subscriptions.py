"""A subscription, as the user service returns it and as the cache stores it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from streaming.domain import clock


@dataclass(frozen=True, slots=True)
class Subscription:
    """A user's subscription. ``expires_at`` is None if it does not expire."""

    is_active: bool
    plan_id: str | None
    expires_at: datetime | None
    max_streams: int | None = None

    def is_valid_at(self, moment: datetime) -> bool:
        """Return whether the subscription permits watching at ``moment``."""
        return self.is_active and (self.expires_at is None or self.expires_at > moment)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is cached."""
        return {
            "is_active": self.is_active,
            "plan_id": self.plan_id,
            "expires_at": clock.iso(self.expires_at) if self.expires_at else None,
            "max_streams": self.max_streams,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse a user service's answer or a cached one. Raises ``ValueError`` if invalid."""
        if not isinstance(value, dict) or type(value.get("is_active")) is not bool:
            raise ValueError("is_active is not a boolean")
        plan_id, expires_at = value.get("plan_id"), value.get("expires_at")
        max_streams = value.get("max_streams")
        if expires_at is not None and not isinstance(expires_at, str):
            raise ValueError("expires_at is not a time")
        if max_streams is not None and (type(max_streams) is not int or max_streams < 0):
            raise ValueError("max_streams is not a count")
        return cls(
            is_active=value["is_active"],
            plan_id=str(plan_id) if plan_id is not None else None,
            expires_at=clock.parse_iso(expires_at) if expires_at else None,
            max_streams=max_streams,
        )


NO_SUBSCRIPTION = Subscription(is_active=False, plan_id=None, expires_at=None)


class UserServiceUnavailable(Exception):
    """The user service did not answer, or its answer is invalid."""
