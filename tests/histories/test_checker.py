"""The checker accepts correct histories, and tells what is broken in others."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.histories.checker import check
from tests.histories.operations import Disturbance, History
from tests.histories.sequential_history import ANNA, Tale
from tests.histories.simulated_history import simulated


def test_a_faithful_service_is_accepted(tale: Tale) -> None:
    """The checker finds no violation in a view of a film."""
    assert tale.promises_broken() == set()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_order_a_faithful_service_chose_is_accepted(seed: int) -> None:
    """Calls may overlap, be late, be repeated, have no response, and take effect much later."""
    history, evidence = simulated(Random(seed))

    violations = check(history, evidence)

    assert [violation.told(history) for violation in violations] == []


def test_a_failure_is_found(tale: Tale) -> None:
    """No response is ever a 500."""
    asked = tale.asked("get", ANNA)
    tale.operations.append(replace(asked, status=500, answer={"code": "internal_error"}))

    assert tale.promises_broken() == {"a failure is a 503"}


@pytest.mark.parametrize("happens", [True, False])
def test_a_call_without_an_answer_may_have_happened(tale: Tale, *, happens: bool) -> None:
    """The outcome of a call without a response is unknown, unless there is evidence."""
    tale.lose("start", happens=happens)
    tale.lose("report", happens=happens, position_seconds=50)
    tale.lose("stop", happens=happens, position_seconds=60)
    tale.tell("get")

    assert tale.promises_broken() == set()


def test_the_story_told_is_short(tale: Tale) -> None:
    """From a long history only the operations that show the violation are reported."""
    session_id = tale.operations[0].answer["session_id"]
    for sequence in range(4, 30):
        tale.tell("report", position_seconds=sequence * 10, session_id=session_id)
    late = tale.tell("report", position_seconds=5, session_id=session_id, sequence=1)
    tale.respell(late, position_seconds=5, applied=True)
    history = History(0, tuple(tale.operations))

    violation = check(history, tale.service.evidence())[0]

    assert late.number in {each.number for each in violation.operations}
    assert len(violation.operations) <= 4


def test_a_history_can_be_kept(tale: Tale, tmp_path: Any) -> None:
    """A recorded history is written as lines of JSON and read back."""
    history = History(7, tuple(tale.operations), (Disturbance("cut redis", 0.5, 0.6),))
    history.write(tmp_path / "history.jsonl")

    assert History.read(tmp_path / "history.jsonl") == history
