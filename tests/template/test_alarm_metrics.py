"""Alarms use metrics that are emitted."""

import ast
import json
from collections.abc import Iterator

import pytest

from streaming.observability import metrics
from tests.support.stacks import Stack
from tests.support.templates import ROOT, Json, source

# Together they create every alarm.
PARAMETERS = [{}, {"EnableAnalytics": "true"}]
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
BY_AWS = {
    "AWS/Lambda": (
        {"Errors", "Throttles", "Duration", "Invocations", "ConcurrentExecutions", "OffsetLag"},
        (
            {"FunctionName"},
            {"FunctionName", "Resource"},
            {"FunctionName", "Resource", "ExecutedVersion"},
        ),
    ),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, ({"QueueName"},)),
    "AWS/ApiGateway": (
        {"4xx", "5xx", "Count", "Latency", "IntegrationLatency"},
        ({"ApiId"}, {"ApiId", "Stage"}, {"ApiId", "Stage", "Method", "Resource"}),
    ),
}


NESTED = ROOT / "infrastructure"


def measured_names() -> set[str]:
    """Return the metrics of the service that the code emits by name."""
    package = ROOT / "layers/streaming/python/streaming"
    return {
        keyword.arg
        for path in [*package.rglob("*.py"), *ROOT.glob("functions/*/app.py")]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "emit"
        for keyword in node.keywords
        if keyword.arg
    }


def emitted(capsys: pytest.CaptureFixture[str]) -> set[tuple[str, str, frozenset[str]]]:
    """Return namespace, name and dimensions of the metrics in the functions' lines."""
    metrics.emit_server_error("films-start", "7", 500)
    metrics.emit_slow_answer("films-start", "1", 5.0)
    metrics.emit_dependency_failure("s3", "read", OSError())
    metrics.emit(**dict.fromkeys(measured_names(), 1.0))
    return {
        (directive["Namespace"], metric["Name"], frozenset(dimensions))
        for line in map(json.loads, capsys.readouterr().out.splitlines())
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


def watched(stack: Stack) -> Iterator[tuple[str, Json]]:
    """Return every metric of every alarm, with the alarm's name."""
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        if "MetricName" in alarm:
            yield name, alarm
        for query in alarm.get("Metrics", []):
            if "MetricStat" in query:
                yield name, query["MetricStat"]["Metric"]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_alarms_watch_what_is_emitted(
    parameters: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Namespace, name and dimensions of each alarm's metric are those of our code, or of AWS."""
    stack = Stack(parameters)
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    functions = {stack.resolve({"Ref": name}) for name in stack.of_type("AWS::Lambda::Function")}
    known = emitted(capsys)
    found = 0
    for name, metric in (each for part in (stack, *stack.nested) for each in watched(part)):
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        if metric["Namespace"] in BY_AWS:
            names, sets = BY_AWS[metric["Namespace"]]
            assert metric["MetricName"] in names, name
            assert set(dimensions) in sets, name
        else:
            key = (metric["Namespace"], metric["MetricName"], frozenset(dimensions))
            assert key in known, name
        assert dimensions.get("service", stack.name) == stack.name, name
        for dimension in {"FunctionName", "function_name"} & dimensions.keys():
            assert dimensions[dimension] in functions, name
        assert dimensions.get("ApiId", "films-Api") == "films-Api", name
        if metric["MetricName"] == "OffsetLag":  # Lambda's consumer emits it
            assert dimensions["FunctionName"] in {each["FunctionName"] for each in mappings}, name
        if "QueueName" in dimensions:
            queue = dimensions["QueueName"].removesuffix("-QueueName")
            assert any(queue in str(each.get("DestinationConfig")) for each in mappings), name
        found += 1
    assert found > 20


def test_every_alarm_is_checked() -> None:
    """The stacks of these tests contain every alarm of all templates."""
    paths = ["template.yaml", *(f"infrastructure/{each.name}" for each in NESTED.glob("*.yaml"))]
    declared = {
        (path, name)
        for path in paths
        for name, resource in source(path)["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    stacks = [Stack(parameters) for parameters in PARAMETERS]
    assert len(declared) > 10
    assert declared == {
        (part.path, name)
        for stack in stacks
        for part in (stack, *stack.nested)
        for name in part.of_type("AWS::CloudWatch::Alarm")
    }


def test_a_metric_of_nobody_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    """The metrics that the code emits are derived from its calls, completely."""
    names = {name for _, name, _ in emitted(capsys)}
    assert {"OutboxAgeSeconds", "DependencyFailure", "UnexpectedErrors"} <= names
    assert "Anything" not in names
