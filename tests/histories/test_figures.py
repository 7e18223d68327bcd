"""Whatever is killed, what was acknowledged is counted once; the checker finds when it is not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from tests.histories.checker import check
from tests.histories.conftest import SEEDS
from tests.histories.consumer import counted, empty_figures
from tests.histories.environments import Environments
from tests.histories.event_source import EventSource
from tests.histories.evidence import Counted, Event, Evidence
from tests.histories.figures import judge_figures
from tests.histories.mutations import (
    FAILURES_ARE_SWALLOWED,
    NONE,
    OFFSETS_BEFORE_FIGURES,
    REPEATS_COUNT_AGAIN,
    Mutation,
)
from tests.histories.operations import History, Operation
from tests.histories.plan import Fault, Plan, Size, plan
from tests.histories.rig import Rig
from tests.histories.runner import run
from tests.support.kafka import publish
from tests.support.viewing_database import RANGES, all_figures
from tests.support.viewing_figures import Figures
from tests.support.viewing_traffic import Value, traffic

# `make test` tries some of the steps, `make histories` every one.
_STRIDE = 1 if SEEDS else 3
# A batch in a process that is connected has about twenty: the last of these is never reached.
_TRIED = range(1, 25, _STRIDE)

_EQUAL = "the figures are those of the events"
_START = "an acknowledged start is counted once"
_END = "an acknowledged end is counted once"

_PLANNED = replace(
    plan(1, Size(users=2, views_per_device=2, reports_per_view=3, faults=0, consumer_deaths=0.6)),
    limits=(None, None),
)
_MOST_TRIES = 6

# `make test` looks for the first two.
_BUGS: list[tuple[Mutation, tuple[Fault, ...]]] = [
    (OFFSETS_BEFORE_FIGURES, ()),
    (REPEATS_COUNT_AGAIN, ()),
    (FAILURES_ARE_SWALLOWED, (Fault("kill postgres", 0.3, 1.0, 0.0),)),
]


def test_a_consumer_killed_at_any_step_counts_once(rig: Rig, environments: Environments) -> None:
    """Whichever step of a batch is the last of its process, its repeat counts each event once."""

    def deaths() -> Iterator[int | None]:
        for step in cycle(_TRIED):
            yield step
            # A repeat connects again, so that the next batch has the same steps as the one before.
            yield None

    environments.forget()
    empty_figures(rig)
    source = EventSource(rig.kafka_log, environments, Random(1), deaths(), most=12)
    records = traffic(900, viewers=3, sittings=7).records(altered=True)
    publish(f"127.0.0.1:{rig.kafka_port}", records)

    source.drain()

    assert told(Evidence({}, {}, (), (), {}, counted=counted(rig, source, tuple(RANGES)))) == []
    last = max(source.died_at)
    assert last < _TRIED[-1]
    assert source.died_at == {step for step in _TRIED if step <= last}


@pytest.mark.parametrize(
    ("mutation", "faults"),
    _BUGS if SEEDS else _BUGS[:2],
    ids=lambda value: str(value) if isinstance(value, Mutation) else None,
)
def test_a_planted_bug_is_found(
    rig: Rig, mutation: Mutation, faults: tuple[Fault, ...], tmp_path: Path
) -> None:
    """For each bug of the consumer the checker finds figures that are not those of the events."""
    planned = replace(_PLANNED, faults=faults)
    folders = (tmp_path / str(number) for number in range(_MOST_TRIES))

    assert any(_EQUAL in promises_broken(rig, mutation, planned, folder) for folder in folders)


if SEEDS:  # in `make test`, the short history passes without a bug

    def test_nothing_is_found_where_nothing_is_wrong(rig: Rig, tmp_path: Path) -> None:
        """The same history passes without a bug."""
        assert promises_broken(rig, NONE, _PLANNED, tmp_path) == set()


def promises_broken(rig: Rig, mutation: Mutation, planned: Plan, folder: Path) -> set[str]:
    """Return the checker's violations in a history of the mutated code."""
    layer = mutation.planted(folder)
    with Environments(rig.variables, folder / "environments.log", layer) as environments:
        history, evidence = run(rig, environments, planned)
    violations = check(history, evidence)
    print(*(violation.told(history) for violation in violations[:3]), sep="\n\n")
    return {violation.promise for violation in violations}


def told(evidence: Evidence, *operations: Operation) -> list[str]:
    """Return the violations that the checker finds in the figures, as text."""
    history = History(0, operations)
    return [violation.told(history) for violation in judge_figures(history, evidence)]


def acknowledged() -> tuple[tuple[Operation, ...], list[Value]]:
    """Return acknowledged starts and stops, and their events among others."""
    values = traffic(1, viewers=3, sittings=6).values
    operations = []
    for number, value in enumerate(values):
        call = {"stream_start": "start", "stream_stop": "stop"}.get(value["action"])
        if call and not value.get("reason"):
            operations.append(
                Operation(
                    number,
                    "device",
                    call,  # type: ignore[arg-type]
                    value["user_id"],
                    value["movie_id"],
                    {},
                    number,
                    number + 0.1,
                    200,
                    {"session_id": value["session_id"], "resume_position_seconds": 0},
                )
            )
    return tuple(operations), values


def evidence_of(values: list[Value]) -> Evidence:
    """Return what a faithful consumer leaves behind after events."""
    events = tuple(Event("topic", value["user_id"], value) for value in values)
    sessions: dict[str, tuple[int, int]] = {}
    for value in values:
        starts, ends = sessions.get(str(value["session_id"]), (0, 0))
        starts += value["action"] == "stream_start"
        ends += value["action"] == "stream_stop"
        sessions[str(value["session_id"])] = (starts, ends)
    tables = all_figures(Figures(values))
    return Evidence(
        {}, {}, events, (), {}, counted=Counted(tuple(values), tuple(RANGES), tables, sessions)
    )


def test_a_faithful_consumer_is_accepted() -> None:
    """The checker finds nothing if the figures are those of the events and of the calls."""
    operations, values = acknowledged()

    assert told(evidence_of(values), *operations) == []
    assert {operation.call for operation in operations} == {"start", "stop"}


def without(action: str) -> Callable[[list[Value]], list[Value]]:
    """Return a function that loses the first event of that action, without a reason."""

    def lose(values: list[Value]) -> list[Value]:
        lost = next(
            value for value in values if value["action"] == action and not value.get("reason")
        )
        return [value for value in values if value is not lost]

    return lose


@pytest.mark.parametrize(
    ("lose", "promise"), [(without("stream_start"), _START), (without("stream_stop"), _END)]
)
def test_a_call_that_was_lost_before_the_figures_is_found(
    lose: Callable[[list[Value]], list[Value]], promise: str
) -> None:
    """A call that is neither in Kafka nor in the figures is missed, though they agree."""
    operations, values = acknowledged()

    found = told(evidence_of(lose(values)), *operations)

    assert found
    assert all(each.startswith(promise) for each in found)


def test_a_figure_that_is_too_great_is_found() -> None:
    """A millisecond too much in one film and day is found, and so is a second start."""
    operations, values = acknowledged()
    evidence = evidence_of(values)
    assert evidence.counted is not None
    *days, (film, day, name, value) = evidence.counted.tables["days"]
    tables = {**evidence.counted.tables, "days": [*days, (film, day, name, value + 1)]}
    session_id = operations[0].answer["session_id"]
    sessions = {**evidence.counted.sessions, session_id: (2, 0)}
    more = replace(evidence.counted, tables=tables, sessions=sessions)

    found = told(replace(evidence, counted=more), *operations)

    assert [each.split(":")[0] for each in found if _END not in each] == [_EQUAL, _START]


def test_a_dead_letter_is_found() -> None:
    """An event of the service that cannot be counted is a broken promise."""
    evidence = evidence_of([])
    assert evidence.counted is not None
    letters = replace(evidence.counted, dead_letters=("stream.start 0 7: the value is not JSON",))

    (found,) = told(replace(evidence, counted=letters))

    assert found.startswith("every event can be counted: stream.start 0 7")
