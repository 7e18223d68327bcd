"""The calls that are made during a fault: their preparation and their checks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.faults.world import World
from tests.support.functions import Json, Viewer, event

# Continue watching lists the film from half a minute on.
BEFORE, REPORTED, STOPPED = 40, 50, 60

# An admin's call has more time than a viewer's: API Gateway waits 30 s.
ADMIN_SECONDS = 25.0

_PROGRESS = """
    SELECT position_seconds FROM watch_progress WHERE user_id = :user_id AND movie_id = :movie_id
"""
_SESSIONS = """
    SELECT id, ended_at FROM stream_sessions WHERE user_id = :user_id AND movie_id = :movie_id
"""


@dataclass(frozen=True)
class Scene:
    """A prepared call and its user."""

    viewer: Viewer
    movie_id: UUID
    event: Json


@dataclass(frozen=True)
class Call:
    """One kind of call.

    ``success`` is the status of a response that acknowledges it, ``judge`` checks the response's
    body, ``is_done`` checks the actual effect. ``position`` is the acknowledged position,
    ``topic`` the topic of its event. ``is_first_start`` marks the start that needs the user
    service and a signed copy of the film.
    """

    title: str
    function: str
    prepare: Callable[[World], Scene]
    judge: Callable[[Scene, Any], bool]
    promised_seconds: float = 3.0
    position: int | None = None
    topic: str | None = None
    is_first_start: bool = False
    success: int = 200
    is_done: Callable[[World, Scene], bool] = lambda world, scene: True

    def broken_record(self, world: World, scene: Scene, topics: dict[str, set[str]]) -> str | None:
        """Return the missing effects of an acknowledged call; None if it is complete.

        ``topics`` contains the users with events in Kafka or in the outbox, by topic.
        """
        key = {"user_id": scene.viewer.user_id, "movie_id": scene.movie_id}
        if self.topic is not None and str(scene.viewer.user_id) not in topics[self.topic]:
            return f"no event in {self.topic}"
        if self.topic is not None and not world.rows(_SESSIONS, **key):
            return "no session"
        if self.position is not None:
            saved = world.rows(_PROGRESS, **key)
            if not saved or saved[0]["position_seconds"] < self.position:
                return f"the position {self.position} is not in PostgreSQL but {saved}"
        if self.function == "stop" and world.rows(_SESSIONS, **key)[0]["ended_at"] is None:
            return "the session has not ended"
        if not self.is_done(world, scene):
            return "it had no effect"
        return None


def _start(world: World) -> Scene:
    viewer = world.new_subscriber()
    _succeed(viewer.start(world.film_in_use))
    return _scene(viewer, world.film_in_use, "start_without_body", None)


def _first_start(world: World) -> Scene:
    return _scene(world.new_subscriber(), world.new_film(), "start_without_body", None)


def _report(world: World) -> Scene:
    viewer, session_id = _watching(world)
    body = {"position_seconds": REPORTED, "session_id": session_id, "sequence": 2}
    return _scene(viewer, world.film_in_use, "progress", body)


def _stop(world: World) -> Scene:
    viewer, session_id = _watching(world)
    body = {"position_seconds": STOPPED, "session_id": session_id, "sequence": 2}
    return _scene(viewer, world.film_in_use, "stop", body)


def _get(world: World) -> Scene:
    viewer, _ = _watching(world)
    return _scene(viewer, world.film_in_use, "get_progress", None)


def _get_uncached(world: World) -> Scene:
    scene = _get(world)
    world.forget_cached_progress(scene.viewer.user_id, scene.movie_id)
    return scene


def _continue_watching(world: World) -> Scene:
    viewer, _ = _watching(world)
    payload = viewer.event("get_continue_watching", None, None)
    return Scene(viewer, world.film_in_use, payload)


def _remove(world: World) -> Scene:
    viewer, _ = _watching(world)
    return _scene(viewer, world.film_in_use, "get_remove", None)


def _is_removed(world: World, scene: Scene) -> bool:
    key = {"user_id": scene.viewer.user_id, "movie_id": scene.movie_id}
    return bool(world.rows(f"{_PROGRESS} AND removed_at IS NOT NULL", **key))


def _erase(world: World) -> Scene:
    viewer, _ = _watching(world)
    payload = event("erase")
    payload["pathParameters"] = {"user_id": str(viewer.user_id)}
    return Scene(viewer, world.film_in_use, payload)


def _is_erased(world: World, scene: Scene) -> bool:
    user_id, movie_id = scene.viewer.user_id, scene.movie_id
    key = {"user_id": user_id, "movie_id": movie_id}
    known = world.rows(_PROGRESS, **key) or world.rows(_SESSIONS, **key)
    return not known and not world.is_cached(user_id, movie_id)


def _invalidate(world: World) -> Scene:
    viewer, movie_id = world.new_subscriber(), world.new_film()
    _succeed(viewer.start(movie_id))
    world.replace_film(movie_id)
    payload = event("invalidate")
    payload["pathParameters"] = {"movie_id": str(movie_id)}
    return Scene(viewer, movie_id, payload)


def _plays_as_replaced(world: World, scene: Scene) -> bool:
    return world.plays_as_replaced(scene.movie_id)


def _watching(world: World) -> tuple[Viewer, str]:
    viewer = world.new_subscriber()
    session_id: str = _succeed(viewer.start(world.film_in_use))["session_id"]
    _succeed(viewer.report(world.film_in_use, BEFORE, session_id=session_id, sequence=1))
    return viewer, session_id


def _scene(viewer: Viewer, movie_id: UUID, name: str, body: Json | None) -> Scene:
    return Scene(viewer, movie_id, viewer.event(name, movie_id, body))


def _succeed(response: Any) -> Any:
    assert response.status == 200, response.body
    return response.json


def _has_film(scene: Scene, body: Any) -> bool:
    return str(scene.movie_id) in body["manifest_url"] and bool(body["session_id"])


def _has_no_body(scene: Scene, body: Any) -> bool:
    return body is None


def _has_counted(scene: Scene, body: Any) -> bool:
    return (body["positions"], body["sessions"]) == (1, 1)


def _has_forms(scene: Scene, body: Any) -> bool:
    return bool(body["manifest_types"] == ["hls"])


def _has_position(position: int) -> Callable[[Scene, Any], bool]:
    return lambda scene, body: bool(body["position_seconds"] == position)


def _has_own_position(scene: Scene, body: Any) -> bool:
    owner = (body["user_id"], body["movie_id"])
    return _has_position(BEFORE)(scene, body) and owner == (
        str(scene.viewer.user_id),
        str(scene.movie_id),
    )


def _has_own_films(scene: Scene, body: Any) -> bool:
    return len(body["items"]) == 1 and _has_own_position(scene, body["items"][0])


CALLS = (
    Call("start", "start", _start, _has_film, topic="stream.start"),
    Call(
        "first start", "start", _first_start, _has_film, topic="stream.start", is_first_start=True
    ),
    Call(
        "progress",
        "progress",
        _report,
        _has_position(REPORTED),
        promised_seconds=1.5,
        position=REPORTED,
        topic="stream.progress",
    ),
    Call("get", "get", _get, _has_own_position),
    Call("get, not cached", "get", _get_uncached, _has_own_position),
    Call("continue watching", "get", _continue_watching, _has_own_films),
    Call("stop", "stop", _stop, _has_position(STOPPED), position=STOPPED, topic="stream.stop"),
    Call("remove", "get", _remove, _has_no_body, success=204, is_done=_is_removed),
    Call(
        "erase",
        "erase",
        _erase,
        _has_counted,
        promised_seconds=ADMIN_SECONDS,
        is_done=_is_erased,
    ),
    Call(
        "invalidate",
        "invalidate",
        _invalidate,
        _has_forms,
        promised_seconds=ADMIN_SECONDS,
        is_done=_plays_as_replaced,
    ),
)
