"""The calls of viewers as API Gateway sends them to the functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from benchmarks.comparison.services import Calls, Event
from local import demo
from local.stack import Stack
from tests.conftest import set_subscription
from tests.support.functions import Viewer, event, new_viewer

MOVIE_ID = UUID(demo.DEMO_MOVIE_ID)


@dataclass(slots=True)
class Playback:
    """A viewer, and what the service has said about the present session."""

    viewer: Viewer
    session_id: str = ""
    sequence: int = 0

    def start(self) -> Event:
        """Return the event of a start."""
        return self._event("start", "", '{"manifest_type":"hls"}')

    def started(self, body: Event) -> None:
        """Continue with the session of the response to a start."""
        self.session_id = body["session_id"]
        self.sequence = 0

    def report(self) -> Event:
        """Return the event of the next report."""
        return self._event("progress", "/progress", self._next_position())

    def get(self) -> Event:
        """Return the event that asks for the position."""
        return self._event("get_progress", "/progress", None)

    def stop(self) -> Event:
        """Return the event of a stop."""
        return self._event("stop", "/stop", self._next_position())

    def list_films(self) -> Event:
        """Return the event of continue watching."""
        return self.viewer.event("get_continue_watching", None, None)

    def authorize(self) -> Event:
        """Return the event of the authorizer."""
        payload = event("authorizer")
        payload["headers"]["authorization"] = f"Bearer {self.viewer.token}"
        payload["identitySource"] = [f"Bearer {self.viewer.token}"]
        return payload

    def _next_position(self) -> str:
        self.sequence += 1
        return (
            f'{{"position_seconds":{60 + self.sequence},"session_id":"{self.session_id}",'
            f'"sequence":{self.sequence}}}'
        )

    def _event(self, name: str, suffix: str, body: str | None) -> Event:
        path = f"/api/v1/stream/{MOVIE_ID}{suffix}"
        payload = self.viewer.event(name, MOVIE_ID, None, path=path)
        payload["rawPath"] = path
        if body is not None:
            payload["body"] = body
            payload["headers"]["content-type"] = "application/json"
            payload["headers"]["content-length"] = str(len(body))
        return payload


EVENTS: Mapping[str, Callable[[Playback], Event]] = {
    "authorizer": Playback.authorize,
    "start": Playback.start,
    "progress": Playback.report,
    "get": Playback.get,
    "stop": Playback.stop,
}
"""The event of a call, by the name of its function."""


def check(function: str, calls: Calls, playbacks: Sequence[Playback]) -> None:
    """Check that the calls have succeeded, one of each playback; started ones continue."""
    if function == "authorizer":
        for playback, result in zip(playbacks, calls.results, strict=True):
            assert result["isAuthorized"], result
            assert result["context"]["user_id"] == str(playback.viewer.user_id)
        return
    for playback, body in zip(playbacks, calls.bodies, strict=True):
        if function == "start":
            playback.started(body)


def new_playbacks(stack: Stack, count: int) -> Sequence[Playback]:
    """Return playbacks of new subscribers."""
    viewers = [new_viewer(stack.token) for _ in range(count)]
    for viewer in viewers:
        set_subscription(stack, viewer.user_id, is_active=True)
    return [Playback(viewer) for viewer in viewers]
