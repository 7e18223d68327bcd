"""Metrics as fields of a log line (CloudWatch embedded metric format): no call, no client.

The line's own ``service``, which Powertools' logger writes, is the dimension.
"""

import struct
import time
from collections.abc import Iterator
from typing import Any, Literal

Dependency = Literal[
    "postgresql", "redis", "kafka", "s3", "user_service", "jwks", "secrets_manager"
]
# pg8000 unpacks what a broken connection left of a message.
_CUT = (OSError, EOFError, struct.error)
FailureKind = Literal["refused", "cut", "timeout", "rejected", "invalid_answer"]

NAMESPACE = "Streaming"


def measured(**values: float) -> dict[str, Any]:
    """Return the fields that make a log line carry ``values`` as metrics by their names."""
    return _fields([["service"]], values)


def unexpected_error(function_name: str) -> dict[str, Any]:
    """Return the fields that count one unexpected error, which was answered 500, of a function.

    Lambda does not count it among the function's ``Errors``, because the call ends with an answer.
    """
    dimensions = [["service", "function_name"]]
    return {**_fields(dimensions, {"UnexpectedErrors": 1}), "function_name": function_name}


def dependency_failure(
    dependency: Dependency, operation: str, error: BaseException
) -> dict[str, Any]:
    """Return the fields that count one failed ``operation`` on ``dependency``.

    The metric ``DependencyFailure`` is counted for the service, for the dependency, and for the
    dependency's operation with the kind of the failure.
    """
    dimensions = [
        ["service"],
        ["service", "dependency"],
        ["service", "dependency", "operation", "kind"],
    ]
    return {
        **_fields(dimensions, {"DependencyFailure": 1}),
        "dependency": dependency,
        "operation": operation,
        "kind": kind_of(error),
        "error": repr(error),
    }


def kind_of(error: BaseException) -> FailureKind:
    """Tell how a dependency failed, by the error that a client raised and by what caused that.

    ``refused``: nobody listens; ``timeout``: no answer in time; ``cut``: the connection broke;
    ``rejected``: the server answered with an error; ``invalid_answer``: with what it must not.
    """
    chain = list(_chain(error))
    for each in chain:
        # Clients wrap the system's errors each in their own way; the system's say most.
        if isinstance(each, ConnectionRefusedError):
            return "refused"
        if isinstance(each, TimeoutError) or "Timeout" in type(each).__name__:
            return "timeout"
    if any(isinstance(each, _CUT) or _is_of_the_wire(each) for each in chain):
        return "cut"
    if any(isinstance(each, ValueError) for each in chain):
        return "invalid_answer"
    return "rejected"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_of_the_wire(error: BaseException) -> bool:
    return any(word in type(error).__name__ for word in ("Connection", "Interface", "Protocol"))


def _fields(dimensions: list[list[str]], values: dict[str, float]) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": dimensions,
        "Metrics": [{"Name": name} for name in values],
    }
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, **values}
