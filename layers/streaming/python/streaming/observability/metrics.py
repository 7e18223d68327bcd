"""Metrics in lines of their own (CloudWatch embedded metric format): no call, no client.

Alarms depend on them, so they are no part of the log, and no log level holds them back.
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
# pg8000 unpacks what a broken connection left of a message.
_CUT = (OSError, EOFError, struct.error)
FailureKind = Literal["refused", "cut", "timeout", "rejected", "invalid_answer"]

NAMESPACE = "Streaming"


def emit(**values: float) -> None:
    """Emit ``values`` as metrics of the service by their names."""
    _emit([["service"]], values)


def emit_server_error(function_name: str, version: str, status: int) -> None:
    """Emit that a function's version answered a request with ``status``, 500 or more.

    Lambda does not count it among the function's ``Errors``, because the call ends with an answer.
    ``ServerErrors`` are all such answers. ``UnexpectedErrors`` are those with 500, which means that
    the service itself is wrong; with another status something that it depends on is.
    """
    values = {"ServerErrors": 1} | ({"UnexpectedErrors": 1} if status == 500 else {})
    dimensions = [["service", "function_name"], ["service", "function_name", "version"]]
    _emit(dimensions, values, function_name=function_name, version=version)


def emit_slow_answer(function_name: str, request_id: str, seconds: float) -> None:
    """Emit that a call was answered, and took longer than the objective of its kind allows.

    ``seconds`` count from its arrival at API Gateway: the authorizer and the start of an
    environment, which Lambda's ``Duration`` leaves out, are in it.
    """
    about = {"function_name": function_name, "request_id": request_id, "seconds": seconds}
    _emit([["service", "function_name"]], {"SlowAnswers": 1}, **about)


def emit_dependency_failure(
    dependency: Dependency, operation: str, error: BaseException
) -> dict[str, Any]:
    """Emit that an ``operation`` on ``dependency`` failed; return what the log should tell of it.

    The metric ``DependencyFailure`` is counted for the service, for the dependency, and for the
    dependency's operation with the kind of the failure.
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
    # An error that was raised again while what it had caused was handled, is caused by itself.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _words(error: BaseException) -> str:
    # redis-py's own form leaves out what the server has said.
    return f"{type(error).__name__}({', '.join(map(repr, error.args))})"


def _is_of_the_wire(error: BaseException) -> bool:
    return any(word in type(error).__name__ for word in ("Connection", "Interface", "Protocol"))


def _emit(dimensions: list[list[str]], values: Mapping[str, float], **members: object) -> None:
    # Of its own, as Powertools' Metrics share their dimensions among all threads.
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
    # One write, so that the lines of threads do not mix.
    sys.stdout.write(f"{json.dumps(line)}\n")
