"""Makes calls for a viewer and records each with its times and its response."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Protocol
from uuid import UUID

from tests.histories.environments import Died
from tests.histories.operations import Call, Json, Operation
from tests.support.functions import Response, Viewer, response_of


class Invokes(Protocol):
    """Runs functions: ``Environments`` does so in separate processes."""

    def invoke(self, function: str, event: Json, die_at_step: int | None = None) -> Json:
        """Return ``result`` or ``error``. Raises ``Died``."""
        ...


class Recorder:
    """Records calls to functions that run in ``environments``. Safe to use from several threads."""

    def __init__(self, environments: Invokes) -> None:
        self._environments = environments
        self._began_at = time.monotonic()
        self.began_at = time.time()
        self._numbers = count(1)
        self._operations: list[Operation] = []
        self._lock = threading.Lock()

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The recorded operations, in the order of their requests."""
        return tuple(sorted(self._operations, key=lambda each: each.number))

    def clock(self) -> float:
        """Return the time of the history, in seconds."""
        return time.monotonic() - self._began_at

    def call(
        self,
        call: Call,
        client: str,
        viewer: Viewer,
        film: UUID,
        *,
        player: str = "player",
        die_at_step: int | None = None,
        **arguments: Any,
    ) -> Operation:
        """Make a call, wait for its response, record and return it.

        ``player`` is the client's name. With ``die_at_step`` the function's process is killed at
        that step, if there are as many.
        """
        with self._lock:
            number = next(self._numbers)
        asked = Operation(
            number=number,
            client=client,
            call=call,
            user_id=str(viewer.user_id),
            movie_id=None if call == "continue" else str(film),
            arguments=arguments,
            invoked_at=self.clock(),
            answered_at=0.0,
        )

        def send(function: str, payload: Json) -> Response:
            answer = self._environments.invoke(function, payload, die_at_step)
            if "error" in answer:
                return Response(500, {}, '{"code": "handler_raised"}')
            return response_of(answer["result"])

        caller = Viewer(viewer.user_id, viewer.token, send)
        try:
            response = _CALLS[call](caller, film, f"{number} {player}", arguments)
        except Died:
            operation = replace(asked, answered_at=self.clock())
        else:
            operation = replace(
                asked, answered_at=self.clock(), status=response.status, answer=response.json
            )
        with self._lock:
            self._operations.append(operation)
        return operation


def _start(viewer: Viewer, film: UUID, player: str, arguments: Json) -> Response:
    body = {"take_over": True} if arguments.get("take_over") else None
    return viewer.start(film, body, key=arguments.get("key"), userAgent=player)


def _report(viewer: Viewer, film: UUID, player: str, arguments: Json) -> Response:
    return viewer.report(film, **arguments)


def _stop(viewer: Viewer, film: UUID, player: str, arguments: Json) -> Response:
    return viewer.stop(film, **arguments)


def _get(viewer: Viewer, film: UUID, player: str, arguments: Json) -> Response:
    return viewer.progress(film)


def _continue(viewer: Viewer, film: UUID, player: str, arguments: Json) -> Response:
    return viewer.continue_watching(100)


_CALLS: dict[Call, Callable[[Viewer, UUID, str, Json], Response]] = {
    "start": _start,
    "report": _report,
    "stop": _stop,
    "get": _get,
    "continue": _continue,
}
