"""Makes a history: lets the devices of a plan use the service while the nemesis rages."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from uuid import UUID

from tests.conftest import set_subscription
from tests.histories.collect import collect
from tests.histories.environments import Died, Environments
from tests.histories.evidence import Evidence
from tests.histories.nemesis import Nemesis
from tests.histories.operations import Call, History, Json, Operation
from tests.histories.plan import Act, Device, Plan, Slot
from tests.histories.rig import Rig
from tests.support.functions import Response, Viewer, event, new_viewer, response_of

_CHORES_EVERY_SECONDS = 1.0
_MOST_CHORES = 20
_BETWEEN_TRIES_SECONDS = 0.15

# The last housekeeping of a history need not wait for the requests to be done.
_SETTLE = "UPDATE event_outbox SET created_at = created_at - interval '1 minute'"


def run(rig: Rig, environments: Environments, plan: Plan) -> tuple[History, Evidence]:
    """Carry out ``plan`` and return what was recorded and what is left."""
    play = _Play(rig, environments, plan)
    history = play.perform()
    users = {operation.user_id for operation in history.operations}
    return history, collect(rig, users)


class _Play:
    """One history in the making."""

    def __init__(self, rig: Rig, environments: Environments, plan: Plan) -> None:
        self._rig = rig
        self._environments = environments
        self._plan = plan
        self._began_at = time.monotonic()
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._operations: list[Operation] = []
        self._sessions: dict[Slot, str] = {}
        self._viewers = [new_viewer(rig.stack.token) for _ in range(plan.users)]

    def perform(self) -> History:
        for viewer in self._viewers:
            set_subscription(self._rig.stack, viewer.user_id, is_active=True, max_streams=None)
        nemesis = Nemesis(self._rig, self._environments, self._clock)
        is_over = threading.Event()
        with ThreadPoolExecutor(len(self._plan.devices) + 2) as threads:
            raging = threads.submit(nemesis.rage, self._plan.faults)
            chores = threads.submit(self._keep_house, is_over)
            devices = [
                threads.submit(self._use, number, device)
                for number, device in enumerate(self._plan.devices)
            ]
            try:
                for device in devices:
                    device.result()
            finally:
                nemesis.stop()
                is_over.set()
            raging.result()
            chores.result()
        self._settle()
        operations = sorted(self._operations, key=lambda each: each.number)
        return History(self._plan.seed, tuple(operations), tuple(nemesis.disturbances))

    def _use(self, number: int, device: Device) -> None:
        """Do what ``device`` does, one act after the other."""
        name = f"device {number}"
        for act in device.acts:
            time.sleep(act.pause)
            for _ in range(act.tries):
                operation = self._try(name, device, act)
                if not operation.is_unknown:
                    break
                time.sleep(_BETWEEN_TRIES_SECONDS)

    def _try(self, name: str, device: Device, act: Act) -> Operation:
        """Send the request once and record what came of it."""
        viewer, film = self._viewers[device.user], self._rig.films[act.film]
        operation = Operation(
            number=next(self._numbers),
            client=name,
            call=act.call,
            user_id=str(viewer.user_id),
            movie_id=None if act.call == "continue" else str(film),
            arguments=self._arguments(act),
            invoked_at=self._clock(),
            answered_at=0.0,
        )
        send = Viewer(viewer.user_id, viewer.token, self._send)
        try:
            response = _CALLS[act.call](send, film, operation, act)
        except Died:
            operation = replace(operation, answered_at=self._clock())
        else:
            operation = replace(
                operation,
                answered_at=self._clock(),
                status=response.status,
                answer=response.json,
            )
        with self._lock:
            self._operations.append(operation)
            if act.call == "start" and operation.session_told is not None and act.slot:
                self._sessions[act.slot] = operation.session_told
        return operation

    def _arguments(self, act: Act) -> Json:
        arguments: Json = {}
        if act.position is not None:
            arguments["position_seconds"] = act.position
        session_id = self._sessions.get(act.slot) if act.slot else None
        if act.call != "start" and session_id is not None:
            arguments["session_id"] = session_id
            if act.sequence is not None:
                arguments["sequence"] = act.sequence
        return arguments

    def _send(self, function: str, payload: Json) -> Response:
        answer = self._environments.invoke(function, payload)
        if "error" in answer:
            return Response(500, {}, '{"code": "handler_raised"}')
        return response_of(answer["result"])

    def _keep_house(self, is_over: threading.Event) -> None:
        """Run housekeeping on its schedule, whatever comes of it."""
        while not is_over.wait(_CHORES_EVERY_SECONDS):
            try:
                self._environments.invoke("housekeeping", event("housekeeping"))
            except Died:
                continue

    def _settle(self) -> None:
        """Have housekeeping relay what still waits."""
        self._environments.forget()
        for _ in range(_MOST_CHORES):
            self._rig.rows(_SETTLE)
            answer = self._environments.invoke("housekeeping", event("housekeeping"))
            if answer.get("result", {}).get("waiting") == 0:
                return

    def _clock(self) -> float:
        return time.monotonic() - self._began_at


def _start(viewer: Viewer, film: UUID, operation: Operation, act: Act) -> Response:
    name = "player \ud800" if act.is_garbled else "player"
    return viewer.start(film, userAgent=f"{operation.number} {name}")


def _report(viewer: Viewer, film: UUID, operation: Operation, act: Act) -> Response:
    return viewer.report(film, **operation.arguments)


def _stop(viewer: Viewer, film: UUID, operation: Operation, act: Act) -> Response:
    return viewer.stop(film, **operation.arguments)


def _get(viewer: Viewer, film: UUID, operation: Operation, act: Act) -> Response:
    return viewer.progress(film)


def _continue(viewer: Viewer, film: UUID, operation: Operation, act: Act) -> Response:
    return viewer.continue_watching(100)


_CALLS: dict[Call, Callable[[Viewer, UUID, Operation, Act], Response]] = {
    "start": _start,
    "report": _report,
    "stop": _stop,
    "get": _get,
    "continue": _continue,
}
