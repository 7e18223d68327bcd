"""Metrics in CloudWatch's embedded metric format: printed lines, no API call.

Alarms depend on them, so the log level does not suppress them. docs/decisions/0019-powertools.md
says how this differs from Powertools' ``Metrics``.
"""

import json
import struct
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from streaming.domain import clock

Dependency = Literal[
    "postgresql", "redis", "kafka", "s3", "user_service", "jwks", "secrets_manager"
]
# pg8000 raises struct.error when a connection breaks within a message.
_CUT = (OSError, EOFError, struct.error)
FailureKind = Literal["refused", "cut", "timeout", "rejected", "invalid_answer"]

NAMESPACE = "Streaming"


def emit(**values: float) -> None:
    """Emit ``values`` as metrics of the service by their names."""
    _emit([["service"]], values)


def emit_server_error(function_name: str, version: str, status: int) -> None:
    """Emit that a version of a function responded with ``status``, which is 500 or more.

    Lambda's ``Errors`` do not count it, because the invocation succeeds. ``ServerErrors`` counts
    all such responses. ``UnexpectedErrors`` counts those with 500, a bug of the service; other
    statuses mean that a dependency failed.
    """
    values = {"ServerErrors": 1} | ({"UnexpectedErrors": 1} if status == 500 else {})
    dimensions = [["service", "function_name"], ["service", "function_name", "version"]]
    _emit(dimensions, values, function_name=function_name, version=version)


def emit_slow_answer(function_name: str, request_id: str, seconds: float) -> None:
    """Emit that a successful response took longer than its objective.

    ``seconds`` count from the arrival at API Gateway, so they include the authorizer and the cold
    start, which Lambda's ``Duration`` does not.
    """
    about = {"function_name": function_name, "request_id": request_id, "seconds": seconds}
    _emit([["service", "function_name"]], {"SlowAnswers": 1}, **about)


def emit_dependency_failure(
    dependency: Dependency, operation: str, error: BaseException
) -> dict[str, Any]:
    """Emit that an ``operation`` on ``dependency`` failed; return the fields for the log.

    ``DependencyFailure`` has three sets of dimensions: the service; the dependency; and the
    dependency, operation and kind of failure.
    """
    dimensions = [
        ["service"],
        ["service", "dependency"],
        ["service", "dependency", "operation", "kind"],
    ]
    place = {"dependency": dependency, "operation": operation, "kind": kind_of(error)}
    _emit(dimensions, {"DependencyFailure": 1}, **place)
    return {**place, "error": _words(error)}


def kind_of(error: BaseException) -> FailureKind:
    """Return how a dependency failed, from a client's exception and its causes.

    ``refused``: nothing listens; ``timeout``: no response in time; ``cut``: the connection broke;
    ``rejected``: the server responded with an error; ``invalid_answer``: the response is invalid.
    """
    chain = list(_chain(error))
    for each in chain:
        # Clients wrap errors of the operating system, which are the most specific.
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
    # A chain of causes may contain a cycle, if an error is raised again while it is handled.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _words(error: BaseException) -> str:
    # str() of some of redis-py's errors omits the message of the server.
    return f"{type(error).__name__}({', '.join(map(repr, error.args))})"


def _is_of_the_wire(error: BaseException) -> bool:
    return any(word in type(error).__name__ for word in ("Connection", "Interface", "Protocol"))


def _emit(dimensions: list[list[str]], values: Mapping[str, float], **members: object) -> None:
    # Instances of Powertools' Metrics share their dimensions; threads must not.
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    told = {"service": metrics.service or "service_undefined", **members}
    first, *others = ({name: str(told[name]) for name in names} for names in dimensions)
    for name, value in first.items():
        metrics.add_dimension(name, value)
    for each in others:
        metrics.add_dimensions(**each)
    for name, number in values.items():
        metrics.add_metric(name, MetricUnit.NoUnit, number)
    now = clock.now()
    metrics.set_timestamp(clock.milliseconds(now))
    # Lambda documents that it may drop printed JSON below ApplicationLogLevel, and that a line
    # without a level and a time in RFC 3339 counts as INFO.
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    line = {"level": "FATAL", "timestamp": clock.iso(now), **metrics.serialize_metric_set()}
    # Powertools writes each value as a list, whose field is "name.0" in CloudWatch Logs Insights.
    line = {**line, **told, **values}
    # A single write keeps the lines of several threads apart.
    sys.stdout.write(f"{json.dumps(line)}\n")
