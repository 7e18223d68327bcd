"""Finds a minimal set of operations that shows the violation."""

from collections.abc import Sequence

from tests.histories.linearizability import Step, explain, first_unexplained
from tests.histories.model import Film
from tests.histories.operations import Operation


def shortest(
    operations: Sequence[Operation],
    steps: Sequence[Step[Film]],
    initial: Film,
    culprit: Step[Film] | None,
    recorded: Film,
) -> tuple[Operation, ...]:
    """Remove operations one after the other while the same violation remains.

    The violation is ``culprit``, the step that cannot be explained, or without one that the calls
    do not lead to the film as ``recorded``. Operations in the culprit's response or in the record
    are kept: without them no state could be explained.
    """
    if culprit is not None:
        steps = [each.as_of(culprit.ended_at) for each in steps]
        steps = [each for each in steps if each.began_at <= culprit.ended_at]
    kept = {each.number for each in steps}
    needed = _named(operations, culprit, recorded)
    for operation in sorted(operations, key=lambda each: each.answered_at, reverse=True):
        if operation.number not in kept or operation.number in needed:
            continue
        fewer = [each for each in steps if each.number in kept - {operation.number}]
        if _is_still_wrong(fewer, initial, culprit, recorded):
            kept.discard(operation.number)
    return tuple(each for each in operations if each.number in kept)


def _is_still_wrong(
    steps: Sequence[Step[Film]], initial: Film, culprit: Step[Film] | None, recorded: Film
) -> bool:
    wrong = first_unexplained(steps, initial)
    if culprit is not None:
        return wrong is not None and wrong.number == culprit.number
    return wrong is None and not explain(steps, initial, lambda state: state == recorded)


def _named(operations: Sequence[Operation], culprit: Step[Film] | None, recorded: Film) -> set[int]:
    if culprit is None:
        told: set[int | str | None] = {recorded.position}
        told |= recorded.sessions
    else:
        wrong = next(each for each in operations if each.number == culprit.number)
        told = {*wrong.positions_told, wrong.position, wrong.session_id, wrong.session_told}
    told.discard(None)
    return {
        each.number for each in operations if each.position in told or each.session_told in told
    }
