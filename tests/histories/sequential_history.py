"""A history that a test tells call by call, to a service that keeps its promises."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tests.histories.checker import check
from tests.histories.operations import Call, Disturbance, History, Operation
from tests.histories.perfect_service import PerfectService

ANNA, FILM = "anna", "film"


@dataclass
class Tale:
    """Sequential calls, each a second long, to a service that keeps its promises."""

    service: PerfectService = field(default_factory=PerfectService)
    operations: list[Operation] = field(default_factory=list)

    def tell(self, call: Call, user_id: str = ANNA, **arguments: Any) -> Operation:
        """Make a call and record it."""
        asked = self.asked(call, user_id, **arguments)
        return self.record(asked, self.service.take(asked))

    def lose(self, call: Call, *, happens: bool, **arguments: Any) -> Operation:
        """Make a call whose response is lost."""
        asked = self.asked(call, ANNA, **arguments)
        if happens:
            self.service.take(asked)
        self.operations.append(asked)
        return asked

    def asked(self, call: Call, user_id: str, **arguments: Any) -> Operation:
        """Return a call without its response."""
        number = len(self.operations) + 1
        return Operation(number, "device", call, user_id, FILM, arguments, number, number + 0.1)

    def record(self, asked: Operation, answer: Any) -> Operation:
        """Record a response."""
        status = 404 if "code" in answer else 200
        answered = replace(asked, status=status, answer=answer)
        self.operations.append(answered)
        return answered

    def respell(self, operation: Operation, **answer: Any) -> None:
        """Change a recorded response."""
        index = self.operations.index(operation)
        changed = {**operation.answer, **answer}
        self.operations[index] = replace(operation, answer=changed)

    def promises_broken(
        self,
        disturbances: tuple[Disturbance, ...] = (),
        limits: Mapping[str, int] = MappingProxyType({}),
        **evidence: Any,
    ) -> set[str]:
        """Return the broken promises that the checker finds, with replaced evidence."""
        held = replace(self.service.evidence(), **evidence)
        history = History(0, tuple(self.operations), disturbances, limits=limits)
        violations = check(history, held)
        assert all(violation.told(history) for violation in violations)
        return {violation.promise for violation in violations}
