"""Alarms, the dashboard and the runbook."""

import json
import re

import pytest

from local.gateway.intrinsics import load_yaml
from streaming.observability.metrics import emit_server_error
from tests.support.emitted import emitted
from tests.support.metric_math import Metrics, is_ringing
from tests.support.stacks import Stack
from tests.support.templates import ROOT, Json, source
from tests.template.conftest import budget_seconds, metrics_of, of_type


def test_bugs_ring_an_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    """A 500 response of a function behind the API counts for the alarm of that function."""
    made = Stack()
    alarms = made.beside("Errors").of_type("AWS::CloudWatch::Alarm")
    found = 0
    for name, resource in source()["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        if budget_seconds(ROOT / resource["Properties"]["CodeUri"] / "app.py") is None:
            continue
        alarm = name.removesuffix("Function") + "ErrorsAlarm"
        named = made.resolve({"Ref": name})
        emit_server_error(named, "7", 500)
        (line,) = emitted(capsys.readouterr().out, "UnexpectedErrors")
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        values = {"service": made.name, "function_name": named}
        assert {
            "Namespace": directive["Namespace"],
            "MetricName": "UnexpectedErrors",
            "Dimensions": [
                {"Name": dimension, "Value": values[dimension]}
                for dimension in directive["Dimensions"][0]
            ],
        } in metrics_of(alarms[alarm]), name
        found += 1
    assert found >= 7


def test_dashboard_and_alarms_name_what_exists(resources: Json) -> None:
    """The dashboard is JSON, and every function that it or an alarm names is one of ours."""
    beside = load_yaml((ROOT / "infrastructure/observability.yaml").read_text("utf-8"))
    body = beside["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert json.loads(body)["widgets"]
    ours = {
        function["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for name, function in of_type(resources, "AWS::Lambda::Function").items()
        if name != "AuthorizerFunction"
    }
    named = re.findall(r"\$\{ServiceName\}-([a-z]+(?:-[a-z]+)*)", json.dumps(beside))
    assert named
    assert set(named) <= ours
    stack = resources["Observability"]["Properties"]
    assert stack["Parameters"]["AuthorizerName"] == {"Ref": "AuthorizerFunction"}
    assert set(stack["Parameters"]) == set(beside["Parameters"])


def test_runbook_explains_every_alarm(resources: Json) -> None:
    """The runbook contains the name of every alarm."""
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    beside = {
        stack["TemplateURL"] for stack in of_type(resources, "AWS::CloudFormation::Stack").values()
    }
    alarms = {
        name
        for each in (resources, *(source(path)["Resources"] for path in sorted(beside)))
        for name, item in each.items()
        if "AlarmActions" in item.get("Properties", {})
    }
    assert len(beside) >= 2
    assert [name for name in sorted(alarms) if f"`{name}`" not in runbook] == []


@pytest.mark.parametrize(("undecided", "expected"), [(None, True), (0, True), (500, False)])
def test_undecided_tokens_ring_no_alarm(undecided: int | None, *, expected: bool) -> None:
    """500 responses ring `ServerErrorsAlarm`, unless tokens with unknown keys cause them."""
    beside = Stack().beside("Observability")
    alarm = beside.resources["ServerErrorsAlarm"]["Properties"]
    measured = Metrics()
    for minute in range(-4, 1):
        for name, value in {"Count": 1000, "5xx": 500}.items():
            measured.add(minute, "AWS/ApiGateway", name, value, ApiId="films-Api")
        if undecided is not None:
            measured.add(minute, "Streaming", "UndecidedTokens", undecided, service="films")

    assert is_ringing(alarm, measured) is expected
