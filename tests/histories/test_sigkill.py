"""A function's process is killed at every externally visible step; its client retries."""

from http import HTTPStatus
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis import Redis

from tests.histories.checker import check
from tests.histories.collect import collect
from tests.histories.conftest import SEEDS, assert_kept
from tests.histories.environments import Environments
from tests.histories.evidence import Evidence
from tests.histories.mutations import REPEAT_SENDS_NOTHING
from tests.histories.operations import Call, History, Operation
from tests.histories.recorder import Recorder
from tests.histories.rig import Rig
from tests.histories.runner import new_subscriber, settle

# `make test` tries some of the steps, `make histories` every one.
_STRIDE = 1 if SEEDS else 2

# Per seed, so that twenty seeds kill a thousand times.
_KILLS = 50 if SEEDS else 10
_DEATHS = 0.5
_LATEST_STEP = 30


@pytest.mark.parametrize("call", ["start", "report", "stop", "get"])
def test_a_killed_process_breaks_no_promise(
    rig: Rig, environments: Environments, call: Call
) -> None:
    """Whichever step is the last, the client's retry restores a consistent state."""
    history, evidence = killed_at_each_step(rig, environments, call, _STRIDE)

    assert_kept(history, evidence)
    assert any(each.is_unknown for each in history.operations)


def test_a_repeat_that_sends_nothing_is_found(rig: Rig, tmp_path: Path) -> None:
    """If the repeat of a report did not send its event again, the checker would find that."""
    layer = REPEAT_SENDS_NOTHING.planted(tmp_path)
    with Environments(rig.variables, tmp_path / "environments.log", layer) as environments:
        history, evidence = killed_at_each_step(rig, environments, "report", 1)

    broken = {violation.promise for violation in check(history, evidence)}
    assert broken == {"every acknowledged report has its event"}


@pytest.mark.parametrize("seed", SEEDS or [1])
def test_processes_killed_at_random_break_no_promise(
    seed: int, rig: Rig, environments: Environments
) -> None:
    """Players make their calls and retry after every kill, at any step."""
    print(f"Again: make histories SEEDS={seed}-{seed}")
    random, recorder, users = Random(seed), Recorder(environments), set()
    while sum(each.is_unknown for each in recorder.operations) < _KILLS:
        users.add(play_and_die(rig, recorder, random))
    environments.forget()
    settle(rig, environments)

    assert_kept(History(seed, recorder.operations), collect(rig, users))


def killed_at_each_step(
    rig: Rig, environments: Environments, call: Call, stride: int
) -> tuple[History, Evidence]:
    """Make ``call`` in processes that are killed at every ``stride``-th step, until one is not."""
    recorder = Recorder(environments)
    users = set()
    for step in count(1, stride):
        tried = try_and_die(rig, recorder, call, step)
        users.add(tried.user_id)
        if tried.is_acknowledged:
            break
    environments.forget()
    settle(rig, environments)
    return History(0, recorder.operations), collect(rig, users)


def play_and_die(rig: Rig, recorder: Recorder, random: Random) -> str:
    """Play a film from start to stop, with kills at random steps; return its user."""
    viewer, film = new_subscriber(rig), random.choice(rig.films)
    user_id = str(viewer.user_id)

    def insist(call: Call, **arguments: Any) -> Operation:
        while True:
            dies = random.random() < _DEATHS
            step = random.randint(1, _LATEST_STEP) if dies else None
            tried = recorder.call(call, user_id, viewer, film, die_at_step=step, **arguments)
            if tried.is_acknowledged:
                return tried
            if tried.is_unknown:
                continue
            # The key of a killed start returns this for a while; start again with a new key.
            assert tried.status == HTTPStatus.CONFLICT, tried.answer
            del arguments["key"]

    session_id = insist("start", key=user_id).answer["session_id"]
    for sequence in (1, 2):
        insist("report", session_id=session_id, sequence=sequence, position_seconds=10 * sequence)
        insist("get")
    insist("stop", session_id=session_id, sequence=3, position_seconds=30)
    return user_id


def try_and_die(rig: Rig, recorder: Recorder, call: Call, step: int) -> Operation:
    """Prepare a view, make ``call`` in a process that is killed at ``step``, and retry it."""
    viewer, film, client = new_subscriber(rig), rig.films[0], f"step {step}"
    started = recorder.call("start", client, viewer, film)
    place = {"session_id": started.answer["session_id"], "sequence": 1}
    recorder.call("report", client, viewer, film, position_seconds=10, **place)
    if call == "get":
        with Redis(port=rig.redis.port) as redis:
            redis.delete(f"progress:{viewer.user_id}:{film}")
    arguments = {**place, "position_seconds": 20, "sequence": 2}
    arguments = arguments if call in ("report", "stop") else {}
    tried = recorder.call(call, client, viewer, film, die_at_step=step, **arguments)
    if tried.is_unknown:
        assert recorder.call(call, client, viewer, film, **arguments).is_acknowledged
    recorder.call("get", client, viewer, film)
    return tried
