"""What callers get when a call fails, for OpenAPI; ``streaming.api.http.problem`` writes it."""

from dataclasses import dataclass

from streaming.api.response_models import DOCUMENTED
from streaming.domain.sessions import LiveSession


@dataclass(frozen=True, slots=True)
class GatewayMessage:
    """What API Gateway answers by itself, such as 401 to a request without a token."""

    __pydantic_config__ = DOCUMENTED

    message: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong (RFC 9457)."""

    __pydantic_config__ = DOCUMENTED

    type: str
    """A URN that names the kind of problem."""
    title: str
    """The kind of problem, for people."""
    status: int
    """The HTTP status."""
    detail: str
    """This problem, for people."""
    code: str
    """The kind of problem, for programs."""
    request_id: str
    """Quote it when asking for help."""


@dataclass(frozen=True, slots=True)
class StreamLimitProblem(Problem):
    """As many streams of the user run as may run at once (RFC 9457)."""

    __pydantic_config__ = DOCUMENTED

    max_streams: int
    """How many may run at once."""
    sessions: list[LiveSession]
    """Those that run, the oldest first, which `take_over` would end."""
