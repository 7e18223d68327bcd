"""A broken promise in the checker's result."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.histories.evidence import Event
from tests.histories.operations import Disturbance, History, Operation


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise, and the part of the history that shows it."""

    promise: str
    what: str
    operations: tuple[Operation, ...] = ()
    events: tuple[Event, ...] = ()

    def told(self, history: History) -> str:
        """Return a description: the operations in order, with the faults around them."""
        lines = [f"{self.promise}: {self.what}"]
        happened = {each.invoked_at: str(each) for each in self.operations}
        happened |= {each.began_at: str(each) for each in self._around(history)}
        lines += [line for _, line in sorted(happened.items())]
        for event in self.events:
            told = {name: value for name, value in event.value.items() if value is not None}
            lines.append(f"      event in {event.topic}: {told}")
        return "\n".join(lines)

    def _around(self, history: History) -> Iterable[Disturbance]:
        if not self.operations:
            return ()
        began_at = min(each.invoked_at for each in self.operations)
        ended_at = max(each.answered_at for each in self.operations)
        return (
            each
            for each in history.disturbances
            if each.began_at <= ended_at and each.ended_at >= began_at
        )
