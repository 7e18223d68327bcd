"""The circuit breaker of the user service: a service that does not answer is left alone."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest

from streaming.access.user_service import PAUSE_SECONDS, UserServiceClient
from streaming.config.user_service import UserServiceSettings
from streaming.domain.subscriptions import UserServiceUnavailable
from tests.support.functions import Viewer, forget_environment
from tests.support.waiting import eventually


class UserService(ThreadingHTTPServer):
    """Counts requests; responds, with a status, or closes the connection without a response."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Subscriptions)
        self.asked = 0
        self.status: int | None = 200

    @property
    def url(self) -> str:
        """The service's URL."""
        return f"http://127.0.0.1:{self.server_port}"


class _Subscriptions(BaseHTTPRequestHandler):
    server: UserService

    def do_GET(self) -> None:
        """Respond with an active subscription, or as configured."""
        self.server.asked += 1
        if self.server.status is None:
            self.close_connection = True
            return
        body = json.dumps({"is_active": True, "plan_id": "premium"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Suppress the log."""


@pytest.fixture
def user_service() -> Iterator[UserService]:
    """A user service."""
    with UserService() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


class Client:
    """The client of the user service; ``seconds`` is the time of its clock."""

    def __init__(self, user_service: UserService) -> None:
        self.seconds = 1000.0
        settings = UserServiceSettings.from_environment({"USER_SERVICE_URL": user_service.url})
        self._client = UserServiceClient(settings, clock=lambda: self.seconds)

    def answers(self) -> bool:
        """Return whether a request for a subscription is answered."""
        try:
            return self._client.current_subscription("Bearer token").is_active
        except UserServiceUnavailable:
            return False


def test_it_opens_and_closes(user_service: UserService) -> None:
    """It opens after one request without an answer, tries one after the pause, and then closes."""
    client = Client(user_service)
    user_service.status = None

    assert not client.answers()
    assert user_service.asked == 2, "a request is tried twice"
    assert [client.answers() for _ in range(5)] == [False] * 5
    assert user_service.asked == 2, "while it is open nobody asks"

    client.seconds += PAUSE_SECONDS
    assert not client.answers()
    assert not client.answers()
    assert user_service.asked == 4, "after the pause one request is tried, and it is open again"

    client.seconds += PAUSE_SECONDS
    user_service.status = 200
    assert [client.answers() for _ in range(3)] == [True] * 3
    assert user_service.asked == 7, "after an answer every request is sent"


@pytest.mark.parametrize("status", [500, 503])
def test_invalid_answers_do_not_open_it(user_service: UserService, status: int) -> None:
    """A service that answers with an error is asked again: the error may concern one user only."""
    client = Client(user_service)
    user_service.status = status
    assert not client.answers()

    user_service.status = 200
    assert client.answers()


def test_starts_during_an_outage(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    viewer: Viewer,
    movie_id: UUID,
    user_service: UserService,
) -> None:
    """Starts during an outage are refused, most without a request; after it they succeed."""
    monkeypatch.setenv("USER_SERVICE_URL", user_service.url)
    forget_environment()
    user_service.status = None

    refused = [viewer.start(movie_id) for _ in range(20)]

    codes = {(each.status, each.json["code"]) for each in refused}
    assert codes == {(503, "entitlement_unavailable")}
    assert 2 <= user_service.asked < 2 * len(refused)
    user_service.status = 200
    eventually(lambda: viewer.start(movie_id).status == 200)
    assert environment
