"""Searches for a sequential order of calls that explains the observations.

An operation takes effect at one moment between its invocation and its response; an operation with
an unknown outcome does so at any moment after its invocation, or never (Herlihy and Wing, 1990;
the search is Wing and Gong's, with memoized configurations, as in Lowe, 2017). All explanations
are kept, not only the first, because each read is checked against them: a read may see the state
of any of them during the read.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Generic, TypeVar

MOST_CONFIGURATIONS = 100_000

State = TypeVar("State", bound=Hashable)


class TooComplex(Exception):
    """The number of explanations exceeds the limit."""


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """A step that takes effect within ``began_at`` to ``ended_at``.

    ``effect`` returns the state afterwards, or None if the step's response contradicts the state;
    ``blindly`` does so without considering the response. Steps that ``may_not_happen`` are
    optional. ``is_told`` means that readers of copies find the effect after ``ended_at``.
    """

    number: int
    began_at: float
    ended_at: float
    effect: Callable[[State], State | None]
    blindly: Callable[[State], State]
    may_not_happen: bool = False
    is_told: bool = True

    def as_of(self, moment: float) -> "Step[State]":
        """Return the step as known at that time: without its response if that came later."""
        if self.ended_at <= moment:
            return self
        return replace(self, ended_at=inf, effect=self.blindly, may_not_happen=True)


@dataclass(frozen=True, slots=True)
class Moment(Generic[State]):
    """A state that an explanation passes through, and the times between which it may exist.

    Copies may have it until ``latest_in_copies``.
    """

    state: State
    earliest: float
    latest: float
    latest_in_copies: float

    def is_within(self, began_at: float, ended_at: float) -> bool:
        """Return whether a read in that time may see the state."""
        return max(self.earliest, began_at) <= min(self.latest, ended_at)


def explain(
    steps: Sequence[Step[State]], initial: State, is_final: Callable[[State], bool]
) -> list[Moment[State]]:
    """Return the moments of all explanations that satisfy ``is_final``; empty if there is none.

    Raises ``TooComplex``.
    """
    search = _Search(steps, initial)
    return [
        Moment(state, search.earliest(done), search.latest(done), search.latest_in_copies(done))
        for done, state in search.leading_to(is_final)
    ]


def first_unexplained(steps: Sequence[Step[State]], initial: State) -> Step[State] | None:
    """Return the step with the first unexplained response; None if all are explained."""
    answered = (step for step in steps if not step.may_not_happen)
    for step in sorted(answered, key=lambda step: step.ended_at):
        known = [each.as_of(step.ended_at) for each in steps if each.began_at <= step.ended_at]
        if not explain(known, initial, lambda state: True):
            return step
    return None


def states_before(steps: Sequence[Step[State]], initial: State, step: Step[State]) -> set[State]:
    """Return the states that ``step`` may have found, as far as known at that time."""
    others = [
        each.as_of(step.ended_at)
        for each in steps
        if each.number != step.number and each.began_at <= step.ended_at
    ]
    moments = explain(others, initial, lambda state: True)
    return {each.state for each in moments if each.is_within(step.began_at, step.ended_at)}


class _Search(Generic[State]):
    """All reachable configurations, with their predecessors.

    A configuration is the set of applied steps, as bits, with the state that they led to in some
    order.
    """

    def __init__(self, steps: Sequence[Step[State]], initial: State) -> None:
        self._steps = sorted(steps, key=lambda step: step.began_at)
        self._earliest: dict[int, float] = {}
        self._latest: dict[int, float] = {}
        first = (0, initial)
        self._came_from: dict[tuple[int, State], list[tuple[int, State]]] = {first: []}
        waiting = deque([first])
        while waiting:
            configuration = waiting.popleft()
            for following in self._following(*configuration):
                if following not in self._came_from:
                    if len(self._came_from) >= MOST_CONFIGURATIONS:
                        raise TooComplex(f"{len(steps)} steps have too many orders")
                    self._came_from[following] = []
                    waiting.append(following)
                self._came_from[following].append(configuration)

    def leading_to(self, is_final: Callable[[State], bool]) -> set[tuple[int, State]]:
        """Return the configurations from which such an end can be reached."""
        waiting = deque(
            (done, state)
            for done, state in self._came_from
            if self.latest(done) == inf and is_final(state)
        )
        leading = set(waiting)
        while waiting:
            for before in self._came_from[waiting.popleft()]:
                if before not in leading:
                    leading.add(before)
                    waiting.append(before)
        return leading

    def earliest(self, done: int) -> float:
        """Return the time from which all of ``done`` may have taken effect."""
        if done not in self._earliest:
            began = (step.began_at for index, step in enumerate(self._steps) if done >> index & 1)
            self._earliest[done] = max(began, default=-inf)
        return self._earliest[done]

    def latest(self, done: int) -> float:
        """Return the time until which only ``done`` may have happened: infinity if none remains."""
        if done not in self._latest:
            ended = (step.ended_at for step in self._remaining(done))
            self._latest[done] = min(ended, default=inf)
        return self._latest[done]

    def latest_in_copies(self, done: int) -> float:
        """Return the time until which readers may have been told of no other step."""
        told = (step.ended_at for step in self._remaining(done) if step.is_told)
        return min(told, default=inf)

    def _remaining(self, done: int) -> Iterator[Step[State]]:
        for index, step in enumerate(self._steps):
            if not step.may_not_happen and not done >> index & 1:
                yield step

    def _following(self, done: int, state: State) -> Iterator[tuple[int, State]]:
        earliest, latest = self.earliest(done), self.latest(done)
        for index, step in enumerate(self._steps):
            if step.began_at > latest:
                return
            if done >> index & 1 or step.ended_at < earliest:
                continue
            after = step.effect(state)
            # Optional steps are skipped if they change nothing.
            if after is not None and not (step.may_not_happen and after == state):
                yield done | 1 << index, after
