"""Prepares a state in which a function's committed event uses all its dependencies."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
from redis import Redis

from local.stack import Stack
from streaming.domain import clock
from streaming.domain.identifiers import uuid7
from streaming.domain.progress import Report
from streaming.events.event import StreamEvent
from tests.conftest import Rows, set_subscription
from tests.integration.test_events import ANSWERS, USER
from tests.rie.deployed import OWN_ERRORS
from tests.support.functions import EVENTS, Json, Viewer, new_viewer
from tests.support.kafka import events_of
from tests.support.waiting import in_time
from tools.emulator import Emulator

# The film of the committed events.
MOVIE = UUID("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f01")
POSITION = 47
# The topic in which a call of the function must publish an event.
TOLD_IN = {
    "start": "stream.start",
    "progress": "stream.progress",
    "stop": "stream.stop",
    "housekeeping": "stream.stop",
}

_OPEN_SESSION = """
    INSERT INTO stream_sessions
        (id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at)
    VALUES (:id, :user_id, :movie_id, 'hls', now(), now())
"""
_SAVE_PROGRESS = """
    INSERT INTO watch_progress (id, user_id, movie_id, position_seconds)
    VALUES (:id, :user_id, :movie_id, :position)
"""
_LEAVE_WAITING = """
    INSERT INTO event_outbox (event_id, topic, key, value, created_at)
    VALUES (:id, 'stream.stop', :key, :value, now() - interval '1 minute')
"""
_WAITING = (
    "SELECT CAST(event_id AS text) AS id FROM event_outbox WHERE key = :key AND topic = :topic"
)
_SAVED = "SELECT position_seconds FROM watch_progress WHERE user_id = :user_id"


def main_event(function: str) -> str:
    """Return the name of the committed event for which the function succeeds."""
    own = events_for(function)
    succeeding = [name for name, (status, _) in ANSWERS.items() if status < 300 and name in own]
    return (succeeding or own)[0]


def events_for(function: str) -> list[str]:
    """Return the names of all committed events of the function."""
    names = sorted(path.stem for path in EVENTS.glob("*.json"))
    return [name for name in names if name == function or name.startswith(f"{function}_")]


class Scene:
    """A viewer with a subscription, a running film and an event in the outbox; an empty Redis."""

    def __init__(self, function: str, stack: Stack, rows: Rows) -> None:
        self._function = function
        self._stack = stack
        self._rows = rows
        self.viewer: Viewer = self._set()

    @property
    def event(self) -> Json:
        """The function's main event, with this scene's viewer."""
        return self.of_its_viewer(main_event(self._function))

    def of_its_viewer(self, name: str) -> Json:
        """Return a committed event with this scene's viewer instead of its own."""
        text = (EVENTS / f"{name}.json").read_text("utf-8")
        payload: Json = json.loads(text.replace(USER, str(self.viewer.user_id)))
        # The authorizer verifies the token; other functions pass it to the user service.
        if self._function != "authorizer" and "authorization" in payload.get("headers", {}):
            payload["headers"]["authorization"] = f"Bearer {self.viewer.token}"
        return payload

    def check(self, answer: Any) -> None:
        """Check that the call had the effect that it returns, and that its event is not lost."""
        assert "errorType" not in answer, answer
        name = main_event(self._function)
        if name in ANSWERS:
            assert answer["statusCode"] == ANSWERS[name][0], answer
        if self._function in TOLD_IN:
            assert len(self._told()) == 1
        if self._function == "start":
            manifest_url = json.loads(answer["body"])["manifest_url"]
            assert httpx.get(manifest_url).status_code == 200
        if self._function == "get":
            assert json.loads(answer["body"])["position_seconds"] == POSITION
        if self._function in ("progress", "stop"):
            (saved,) = self._rows(_SAVED, user_id=self.viewer.user_id)
            assert saved == {"position_seconds": json.loads(self.event["body"])["position_seconds"]}

    def _set(self) -> Viewer:
        viewer = new_viewer(self._stack.token)
        set_subscription(self._stack, viewer.user_id)
        ids = {"user_id": viewer.user_id, "movie_id": MOVIE}
        self._rows(_OPEN_SESSION, id=uuid7(clock.milliseconds(clock.now())), **ids)
        self._rows(_SAVE_PROGRESS, id=uuid4(), position=POSITION, **ids)
        if self._function == "housekeeping":
            report = Report(viewer.user_id, MOVIE, POSITION, None, None, clock.now())
            message = StreamEvent.of_stop(
                report, uuid7(clock.milliseconds(clock.now())), uuid4()
            ).to_message("stream.")
            self._rows(_LEAVE_WAITING, id=message.event_id, key=message.key, value=message.value)
        with Redis(port=self._stack.ports.redis_port) as redis:
            redis.flushall()
        return viewer

    def _told(self) -> set[str]:
        """Return the ids of the events that are in Kafka or in the outbox."""
        topic, user_id = TOLD_IN[self._function], self.viewer.user_id
        waiting = {row["id"] for row in self._rows(_WAITING, key=str(user_id), topic=topic)}
        servers = self._stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
        return waiting | {each["event_id"] for each in events_of(servers, user_id)[topic]}


def is_late(answer: Json) -> bool:
    """Return whether a function's result may be a time-out.

    The product measures elapsed time, and on a busy machine a dependency may be late and then be
    skipped for some seconds.
    """
    return answer.get("statusCode") == 503 or answer.get("errorType") in OWN_ERRORS


def play_in_time(play: Callable[[], tuple[Scene, Json]]) -> tuple[Scene, Json]:
    """Return a call's scene and result, repeated while it is late."""
    return in_time(play, lambda played: is_late(played[1]))


def warm(launch: Callable[[str], Emulator], function: str, stack: Stack, rows: Rows) -> Emulator:
    """Return an environment whose first call succeeded, a new one if that call was late."""
    launched: list[Emulator] = []

    def begin() -> tuple[Scene, Json]:
        for late in launched:
            late.stop()
        scene = Scene(function, stack, rows)
        launched.append(launch(function))
        return scene, launched[-1].invoke(scene.event)

    scene, answer = play_in_time(begin)
    scene.check(answer)
    return launched[-1]
