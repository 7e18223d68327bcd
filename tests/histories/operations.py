"""The record of clients' calls: each request with its times and its response."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from tests.histories.identifiers import short

Call = Literal["start", "report", "stop", "get", "continue"]
Json = dict[str, Any]

_UNKNOWN_FROM_STATUS = 500


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of one client, and its response.

    Times are seconds of one monotonic clock. ``status`` is None if there was no response.
    """

    number: int
    client: str
    call: Call
    user_id: str
    movie_id: str | None
    arguments: Mapping[str, Any]
    invoked_at: float
    answered_at: float
    status: int | None = None
    answer: Any = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether the service acknowledged it."""
        return self.status == 200

    @property
    def is_unknown(self) -> bool:
        """Whether it may have taken effect, then or later: there was no response, or a 5xx."""
        return self.status is None or self.status >= _UNKNOWN_FROM_STATUS

    @property
    def code(self) -> str | None:
        """The code of a refusal."""
        return self.answer.get("code") if isinstance(self.answer, dict) else None

    @property
    def position(self) -> int | None:
        """The reported position in seconds."""
        position: int | None = self.arguments.get("position_seconds")
        return position

    @property
    def session_id(self) -> str | None:
        """The session in the request."""
        session_id: str | None = self.arguments.get("session_id")
        return session_id

    @property
    def sequence(self) -> int | None:
        """The report's place among those of its session."""
        sequence: int | None = self.arguments.get("sequence")
        return sequence

    @property
    def positions_told(self) -> tuple[int, ...]:
        """The positions in the response."""
        if not self.is_acknowledged:
            return ()
        if self.call == "continue":
            return tuple(item["position_seconds"] for item in self.answer["items"])
        name = "resume_position_seconds" if self.call == "start" else "position_seconds"
        return (self.answer[name],)

    @property
    def session_told(self) -> str | None:
        """The session in the response."""
        if not self.is_acknowledged or self.call not in ("start", "stop"):
            return None
        session_id: str | None = self.answer["session_id"]
        return session_id

    def __str__(self) -> str:
        """Return a one-line description."""
        arguments = " ".join(f"{name}={short(value)}" for name, value in self.arguments.items())
        answer = self.answer if isinstance(self.answer, dict) else {}
        told = " ".join(
            f"{name}={short(value)}"
            for name, value in answer.items()
            if name in _TOLD and value is not None
        )
        times = f"{self.invoked_at:8.3f}-{self.answered_at:8.3f}"
        film = f" film {short(self.movie_id)}" if self.movie_id else ""
        status = self.status or "no answer"
        return (
            f"#{self.number:<4} {times} {self.client:8} {self.call:8} user {short(self.user_id)}"
            f"{film} {arguments} -> {status} {told}"
        ).rstrip()


_TOLD = (
    "session_id",
    "position_seconds",
    "resume_position_seconds",
    "applied",
    "completed",
    "code",
    "user_id",
    "movie_id",
)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A fault, with its beginning and end."""

    what: str
    began_at: float
    ended_at: float

    def __str__(self) -> str:
        """Return a one-line description."""
        return f"      {self.began_at:8.3f}-{self.ended_at:8.3f} nemesis  {self.what}"


@dataclass(frozen=True, slots=True)
class History:
    """All operations of one run, by their numbers, and the faults.

    ``began_at`` is the zero of its clock in Unix seconds; 0 if unknown. ``limits`` are the users'
    stream limits, if any.
    """

    seed: int
    operations: tuple[Operation, ...]
    disturbances: tuple[Disturbance, ...] = ()
    began_at: float = 0.0
    limits: Mapping[str, int] = field(default_factory=dict)

    def of(self, user_id: str, movie_id: str) -> Iterator[Operation]:
        """Yield the operations on one film of one user, including continue watching."""
        for operation in self.operations:
            if operation.user_id == user_id and operation.movie_id in (movie_id, None):
                yield operation

    def write(self, path: Path) -> None:
        """Write one JSON object per line: first the seed, then faults and operations."""
        lines: list[Json] = [
            {"seed": self.seed, "began_at": self.began_at, "limits": dict(self.limits)}
        ]
        lines += [{"disturbance": asdict(each)} for each in self.disturbances]
        lines += [{"operation": asdict(each)} for each in self.operations]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the output of `write`."""
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return cls(
            lines[0]["seed"],
            tuple(Operation(**each["operation"]) for each in _having(lines, "operation")),
            tuple(Disturbance(**each["disturbance"]) for each in _having(lines, "disturbance")),
            lines[0]["began_at"],
            lines[0]["limits"],
        )


def _having(lines: Iterable[Json], name: str) -> Iterator[Json]:
    return (line for line in lines if name in line)
