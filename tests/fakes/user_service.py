"""The user service in memory."""

from dataclasses import dataclass, field

from streaming.domain.subscriptions import (
    NO_SUBSCRIPTION,
    Subscription,
    UserServiceUnavailable,
)


@dataclass
class MemoryUserService:
    """Has ``subscriptions`` by ``Authorization`` header; ``asked`` is the number of requests."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    is_down: bool = False
    asked: int = 0

    def current_subscription(self, authorization: str) -> Subscription:
        """Return the caller's subscription. Raises ``UserServiceUnavailable``."""
        self.asked += 1
        if self.is_down:
            raise UserServiceUnavailable("the user service does not answer")
        return self.subscriptions.get(authorization, NO_SUBSCRIPTION)
