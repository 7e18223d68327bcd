"""Asks the user service who has paid."""

import time
from types import TracebackType
from typing import Self

import httpx

from streaming.settings import UserServiceSettings
from streaming.subscription import NO_SUBSCRIPTION, Subscription, UserServiceUnavailable

_LARGEST_ANSWER_BYTES = 64 * 1024
_ATTEMPTS = 2


class UserServiceClient:
    """Reads subscriptions over HTTP. ``transport`` replaces the network in tests."""

    def __init__(
        self, settings: UserServiceSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = f"{settings.url}/api/v1/subscriptions/current"
        self._timeout = settings.timeout
        self._http = httpx.Client(transport=transport, follow_redirects=False)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def current_subscription(self, authorization: str) -> Subscription:
        """Return the subscription of the user whose ``Authorization`` header this is.

        Tries twice within the time-out of the settings. Raises ``UserServiceUnavailable``.
        """
        ends_at = time.monotonic() + self._timeout
        for attempt in range(_ATTEMPTS):
            attempt_ends_at = min(ends_at, time.monotonic() + self._timeout / _ATTEMPTS)
            try:
                return self._ask(authorization, attempt_ends_at)
            except (httpx.HTTPError, ValueError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise UserServiceUnavailable(repr(error)) from error
        raise AssertionError("unreachable")

    def _ask(self, authorization: str, ends_at: float) -> Subscription:
        headers = {"Authorization": authorization, "Accept": "application/json"}
        left = max(0.05, ends_at - time.monotonic())
        with self._http.stream("GET", self._url, headers=headers, timeout=left) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                # httpx bounds each read, not the whole: a dripping body would never end.
                if len(body) > _LARGEST_ANSWER_BYTES or time.monotonic() > ends_at:
                    raise httpx.ReadTimeout("the answer is too large or too slow")
        if response.status_code == httpx.codes.NOT_FOUND:
            return NO_SUBSCRIPTION
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"the user service answered {response.status_code}")
        return Subscription.from_json(httpx.Response(200, content=bytes(body)).json())
