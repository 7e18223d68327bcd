"""The process of a function is killed at every step that others see; its client tries again."""

from itertools import count

import pytest
from redis import Redis

from tests.histories.collect import collect
from tests.histories.conftest import SEEDS, assert_kept
from tests.histories.environments import Environments
from tests.histories.operations import Call, History, Operation
from tests.histories.recorder import Recorder
from tests.histories.rig import Rig
from tests.histories.runner import new_subscriber, settle

# `make test` tries some of the steps, `make histories` every one.
_STRIDE = 1 if SEEDS else 5


@pytest.mark.parametrize("call", ["start", "report", "stop", "get"])
def test_a_killed_process_breaks_no_promise(
    rig: Rig, environments: Environments, call: Call
) -> None:
    """Whichever step is the last, the client's next try puts everything right."""
    recorder = Recorder(environments)
    users = set()
    for step in count(1, _STRIDE):
        tried = try_and_die(rig, recorder, call, step)
        users.add(tried.user_id)
        if tried.is_acknowledged:
            break
    environments.forget()
    settle(rig, environments)

    assert_kept(History(0, recorder.operations), collect(rig, users))
    # Before and after each statement and each command.
    assert step > 10


def try_and_die(rig: Rig, recorder: Recorder, call: Call, step: int) -> Operation:
    """Prepare a view of a film, make ``call`` in a process that dies at ``step``, and try again."""
    viewer, film, client = new_subscriber(rig), rig.films[0], f"step {step}"
    started = recorder.call("start", client, viewer, film)
    place = {"session_id": started.answer["session_id"], "sequence": 1}
    recorder.call("report", client, viewer, film, position_seconds=10, **place)
    if call == "get":
        with Redis(port=rig.stack.ports.redis_port) as redis:
            redis.delete(f"progress:{viewer.user_id}:{film}")
    arguments = {**place, "position_seconds": 20, "sequence": 2}
    arguments = arguments if call in ("report", "stop") else {}
    tried = recorder.call(call, client, viewer, film, die_at_step=step, **arguments)
    if tried.is_unknown:
        assert recorder.call(call, client, viewer, film, **arguments).is_acknowledged
    recorder.call("get", client, viewer, film)
    return tried
