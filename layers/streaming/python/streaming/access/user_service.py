"""The HTTP client of the user service, which provides subscriptions."""

import time
from collections.abc import Callable

import httpx
from aws_lambda_powertools.logging import Logger

from streaming.config.user_service import UserServiceSettings
from streaming.domain.subscriptions import NO_SUBSCRIPTION, Subscription, UserServiceUnavailable
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.http_client import HttpClient

logger = Logger(child=True)

_ATTEMPTS = 2
PAUSE_SECONDS = 2.0


class UserServiceClient:
    """Reads subscriptions over HTTP. ``http`` replaces the connection in tests.

    After a request without an answer, further requests are skipped for two seconds on ``clock``.
    """

    def __init__(
        self,
        settings: UserServiceSettings,
        http: HttpClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{settings.url}/api/v1/subscriptions/current"
        self._timeout = settings.timeout
        self._http = http or HttpClient()
        self._breaker = CircuitBreaker(PAUSE_SECONDS, clock)

    def current_subscription(self, authorization: str) -> Subscription:
        """Return the subscription of the user whose ``Authorization`` header this is.

        Tries twice within the time-out of the settings. Raises ``UserServiceUnavailable`` if both
        fail, or at once after a recent failure.
        """
        if self._breaker.is_open:
            raise UserServiceUnavailable("the user service did not answer a moment ago")
        ends_at = time.monotonic() + self._timeout
        for attempt in range(1, _ATTEMPTS + 1):
            seconds = min(ends_at - time.monotonic(), self._timeout / _ATTEMPTS)
            try:
                return self._ask(authorization, seconds)
            except (httpx.HTTPError, ValueError, RecursionError) as error:
                if attempt == _ATTEMPTS:
                    failure = emit_dependency_failure("user_service", "current_subscription", error)
                    logger.warning("the user service does not answer", **failure)
                    # An invalid answer takes no time to wait for and may concern one user only.
                    if isinstance(error, httpx.HTTPError):
                        self._breaker.record_failure()
                    raise UserServiceUnavailable(repr(error)) from error
        raise AssertionError("unreachable")

    def _ask(self, authorization: str, seconds: float) -> Subscription:
        response = self._http.get(self._url, seconds, Authorization=authorization)
        if response.status_code == httpx.codes.NOT_FOUND:
            return NO_SUBSCRIPTION
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"the user service answered {response.status_code}")
        return Subscription.from_json(response.json())
