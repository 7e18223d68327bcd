"""Produces a history: the devices of a plan use the service while faults are injected."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.conftest import set_subscription
from tests.histories.collect import collect
from tests.histories.consumer import Consumer
from tests.histories.environments import Died, Environments
from tests.histories.evidence import Evidence
from tests.histories.nemesis import Nemesis
from tests.histories.operations import History, Json
from tests.histories.plan import Act, Device, Plan, Slot
from tests.histories.recorder import Invokes, Recorder
from tests.histories.rig import Rig
from tests.support.functions import Viewer, event, new_viewer

_CHORES_EVERY_SECONDS = 1.0
_MOST_CHORES = 20
_BETWEEN_TRIES_SECONDS = 0.15

# The last housekeeping of a history need not wait for running requests.
_SETTLE = "UPDATE event_outbox SET created_at = created_at - interval '1 minute'"


def run(rig: Rig, environments: Environments, plan: Plan) -> tuple[History, Evidence]:
    """Execute ``plan`` and return the recorded operations and the final contents."""
    consumer = None if plan.consumer_deaths is None else Consumer(rig, environments, plan)
    recorder = Recorder(environments)
    source = consumer.source if consumer else None
    nemesis = Nemesis(rig, environments, recorder.clock, source)
    viewers = [new_subscriber(rig, limit) for limit in plan.limits]
    clients = _Clients(rig, recorder, viewers)
    is_over = threading.Event()
    with ThreadPoolExecutor(len(plan.devices) + 3) as threads:
        raging = threads.submit(nemesis.rage, plan.faults)
        others = [threads.submit(_keep_house, environments, is_over)]
        if source is not None:
            others.append(threads.submit(source.run, is_over))
        using = [
            threads.submit(clients.use, number, device)
            for number, device in enumerate(plan.devices)
        ]
        try:
            for device in using:
                device.result()
        finally:
            nemesis.stop()
            is_over.set()
        raging.result()
        for other in others:
            other.result()
    environments.forget()
    settle(rig, environments)
    counted = consumer.finish() if consumer else None
    # The next look-up corrects what an outage of Redis has left there.
    for viewer in viewers:
        for film in rig.films:
            recorder.call("get", "look-up", viewer, film)
    history = History(
        plan.seed,
        recorder.operations,
        tuple(nemesis.disturbances),
        recorder.began_at,
        {
            str(viewer.user_id): limit
            for viewer, limit in zip(viewers, plan.limits, strict=True)
            if limit is not None
        },
    )
    users = {str(viewer.user_id) for viewer in viewers}
    evidence = collect(rig, users, environments.log, recorder.began_at)
    return history, replace(evidence, counted=counted)


def new_subscriber(rig: Rig, max_streams: int | None = None) -> Viewer:
    """Return a new user with a subscription for that many streams."""
    viewer = new_viewer(rig.stack.token)
    set_subscription(rig.stack, viewer.user_id, is_active=True, max_streams=max_streams)
    return viewer


def settle(rig: Rig, environments: Invokes) -> None:
    """Run housekeeping until the outbox is empty."""
    for _ in range(_MOST_CHORES):
        rig.rows(_SETTLE)
        answer = environments.invoke("housekeeping", event("housekeeping"))
        if answer.get("result", {}).get("waiting") == 0:
            return


def _keep_house(environments: Environments, is_over: threading.Event) -> None:
    """Run housekeeping on its schedule, and ignore failures."""
    while not is_over.wait(_CHORES_EVERY_SECONDS):
        try:
            environments.invoke("housekeeping", event("housekeeping"))
        except Died:
            continue


class _Clients:
    """The devices of a plan, and their sessions."""

    def __init__(self, rig: Rig, recorder: Recorder, viewers: list[Viewer]) -> None:
        self._rig = rig
        self._recorder = recorder
        self._viewers = viewers
        self._sessions: dict[Slot, str] = {}

    def use(self, number: int, device: Device) -> None:
        """Execute the actions of ``device`` one after the other."""
        for act in device.acts:
            time.sleep(act.pause)
            for attempt in range(act.tries):
                operation = self._recorder.call(
                    act.call,
                    f"device {number}",
                    self._viewers[device.user],
                    self._rig.films[act.film],
                    player="player \ud800" if act.is_garbled else "player",
                    die_at_step=None if attempt else act.die_at_step,
                    **self._arguments(act),
                )
                if act.call == "start" and act.slot and operation.session_told is not None:
                    self._sessions[act.slot] = operation.session_told
                if not operation.is_unknown:
                    break
                time.sleep(_BETWEEN_TRIES_SECONDS)

    def _arguments(self, act: Act) -> Json:
        arguments: Json = {} if act.key is None else {"key": act.key}
        if act.takes_over:
            arguments["take_over"] = True
        if act.position is not None:
            arguments["position_seconds"] = act.position
        session_id = self._sessions.get(act.slot) if act.slot else None
        if act.call != "start" and session_id is not None:
            arguments["session_id"] = session_id
            if act.sequence is not None:
                arguments["sequence"] = act.sequence
        return arguments
