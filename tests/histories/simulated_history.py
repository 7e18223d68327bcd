"""Random histories of a service that keeps its promises."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from tests.histories.evidence import Evidence
from tests.histories.operations import Call, History, Operation
from tests.histories.perfect_service import PerfectService
from tests.histories.sequential_history import ANNA, FILM


def simulated(random: Random) -> tuple[History, Evidence]:
    """Return overlapping calls with the responses of a service that keeps its promises.

    Each takes effect at some moment between its beginning and its end; one in six has no response,
    and takes effect at any moment after its beginning, or never.
    """
    service = PerfectService()
    calls = sorted(_calls(random), key=lambda each: each[1])
    effects: list[Operation] = []
    for operation, moment in calls:
        effects.append(_effected(random, service, operation, moment, effects))
    return History(0, tuple(effects)), service.evidence()


def _calls(random: Random) -> Iterator[tuple[Operation, float]]:
    """Yield calls, each with the moment at which it takes effect."""
    for number in range(1, random.randrange(5, 20)):
        began_at = random.uniform(0, 4)
        ended_at = began_at + random.expovariate(4)
        call: Call = random.choice(("start", "report", "report", "report", "stop", "get"))
        moment = random.uniform(began_at, ended_at)
        status: int | None = 200
        if call != "get" and random.random() < 1 / 6:
            status = None
            moment = random.choice((random.uniform(began_at, 9), float("inf")))
        operation = Operation(number, "device", call, ANNA, FILM, {}, began_at, ended_at, status)
        yield operation, moment


def _effected(
    random: Random,
    service: PerfectService,
    operation: Operation,
    moment: float,
    before: list[Operation],
) -> Operation:
    """Apply ``operation``, and return it with its response."""
    sessions = [each.session_told for each in before if each.answered_at < operation.invoked_at]
    known: list[str | None] = [None, *filter(None, sessions)]
    arguments: dict[str, Any] = {}
    if operation.call in ("report", "stop"):
        arguments["position_seconds"] = operation.number
        session_id = random.choice(known)
        if session_id is not None:
            arguments["session_id"] = session_id
            if random.random() < 0.7:
                arguments["sequence"] = random.randrange(9)
    operation = replace(operation, arguments=arguments)
    if moment == float("inf"):
        return operation
    answer = service.take(operation)
    if operation.status is None:
        return operation
    return replace(operation, status=404 if "code" in answer else 200, answer=answer)
