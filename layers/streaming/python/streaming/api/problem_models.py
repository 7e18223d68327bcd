"""The bodies of error responses, for OpenAPI; ``streaming.api.http.problem`` writes them."""

from dataclasses import dataclass

from streaming.api.response_models import DOCUMENTED
from streaming.domain.sessions import LiveSession


@dataclass(frozen=True, slots=True)
class GatewayMessage:
    """A response of API Gateway itself, such as 401 to a request without a token."""

    __pydantic_config__ = DOCUMENTED

    message: str
    """The reason, for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The description of an error (RFC 9457)."""

    __pydantic_config__ = DOCUMENTED

    type: str
    """A URN that identifies the type of problem."""
    title: str
    """The type of problem, for people."""
    status: int
    """The HTTP status."""
    detail: str
    """This occurrence of the problem, for people."""
    code: str
    """The type of problem, for programs."""
    request_id: str
    """The id of the request, to be quoted to support."""


@dataclass(frozen=True, slots=True)
class StreamLimitProblem(Problem):
    """The user has the maximum number of concurrent streams (RFC 9457)."""

    __pydantic_config__ = DOCUMENTED

    max_streams: int
    """The maximum number of concurrent streams."""
    sessions: list[LiveSession]
    """The running streams, the oldest first; `take_over` would end the oldest."""
