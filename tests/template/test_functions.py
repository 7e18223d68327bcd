"""Functions: their limits, their variables, and the order of their deployment."""

import ast
import json
import re

import pytest

from tests.support.stacks import Stack
from tests.support.templates import ROOT, Json, source
from tests.template.conftest import budget_seconds, metrics_of, of_type

BY_LAMBDA = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
}
# Words of the same form: values, a part of a name, and variables of tests.
NO_VARIABLES = {"SASL_SSL", "AWS_MSK_IAM", "CREDENTIAL_EXPIRATION", "S3_SESSION_TOKEN"}
BEHIND_NO_API = {
    "AnalyticsFunction",
    "HousekeepingFunction",
    "MigrateFunction",
    "SubscriptionChangedFunction",
}
# A call that has begun in time may end after the budget.
LAST_CALL_SECONDS = 2.0


def test_functions_are_complete(resources: Json) -> None:
    """Every function has a time-out, memory, a log group with a retention, and an alarm."""
    made = Stack()
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    watched = [
        metric["Dimensions"]
        for alarm in made.beside("Errors").of_type("AWS::CloudWatch::Alarm").values()
        for metric in metrics_of(alarm)
        if (metric["Namespace"], metric["MetricName"]) == ("AWS/Lambda", "Errors")
    ]
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        assert function["MemorySize"] >= 256, name
        assert name in BEHIND_NO_API or 0 < function["Timeout"] < 30, name
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
        known_as = made.resolve({"Ref": name})
        assert [{"Name": "FunctionName", "Value": known_as}] in watched, name


def test_functions_answer_before_lambda_ends_them() -> None:
    """A request's time budget, with the excess of its last call, is within the time-out."""
    found = 0
    for name, resource in source()["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        budget = budget_seconds(ROOT / properties["CodeUri"] / "app.py")
        if budget is not None:
            found += 1
            default = source()["Globals"]["Function"]["Timeout"]
            assert budget + LAST_CALL_SECONDS < properties.get("Timeout", default), name
    assert found >= 7


def test_environment_equals_what_settings_read() -> None:
    """Every declared variable is read, and every variable that is read is declared."""
    declared = set(source()["Globals"]["Function"]["Environment"]["Variables"])
    for resource in source()["Resources"].values():
        declared |= set(resource.get("Properties", {}).get("Environment", {}).get("Variables", {}))
    named: set[str] = set()
    for path in (ROOT / "layers/streaming/python/streaming").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
    assert declared - named <= {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "RES_OPTIONS"}
    texts = [
        path.read_text("utf-8")
        for path in (ROOT / "layers/streaming/python/streaming/config").glob("*.py")
    ]
    read = {
        node.value
        for text in texts
        if "def from_environment(" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", node.value)
    }
    assert read - declared - BY_LAMBDA <= NO_VARIABLES


def test_functions_of_one_adapter_know_the_same_variables() -> None:
    """A function with an adapter has all variables of that adapter that any function has."""
    functions = [
        set(item["Properties"].get("Environment", {}).get("Variables", {}))
        for name, item in source()["Resources"].items()
        if item["Type"] == "AWS::Serverless::Function"
    ]
    optional = {"REDIS_PROGRESS_TTL", "REDIS_SUBSCRIPTION_CACHE_TTL"}
    for prefix in ("S3_", "KAFKA_", "DATABASE_", "REDIS_", "JWT_"):
        everything = {name for names in functions for name in names if name.startswith(prefix)}
        for names in functions:
            own = {name for name in names if name.startswith(prefix)}
            assert not own or everything - own <= optional


def test_new_code_waits_for_its_tables(resources: Json) -> None:
    """Functions with a database are deployed after the migration, and through an alias."""
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        if "DATABASE_URL" in variables and name != "MigrateFunction":
            assert "Migration" in resources[name]["DependsOn"], name
    for name in ("Start", "Progress", "Get", "Stop"):
        assert f"{name}FunctionAliaslive" in resources
        assert f"{name}FunctionDeploymentGroup" in resources


def test_migrations_are_not_repeated_later(resources: Json) -> None:
    """Lambda does not retry the migration, whose version may have been rolled back."""
    retries = {
        item["FunctionName"]["Ref"]: item["MaximumRetryAttempts"]
        for item in of_type(resources, "AWS::Lambda::EventInvokeConfig").values()
    }
    assert retries["MigrateFunction"] == 0


VIEWERS_CALL = {"Authorizer", "Start", "Progress", "Get", "Stop"}


@pytest.mark.parametrize(("level", "expected"), [("INFO", "WARN"), ("DEBUG", "INFO")])
def test_platform_events_of_failures_alone(level: str, expected: str) -> None:
    """The functions of every viewer log Lambda's own events of failures alone, unless debugged."""
    functions = Stack({"LogLevel": level}).of_type("AWS::Lambda::Function")
    found = {
        name.removesuffix("Function"): function["LoggingConfig"]["SystemLogLevel"]
        for name, function in functions.items()
        if "SystemLogLevel" in function["LoggingConfig"]
    }
    assert found == dict.fromkeys(VIEWERS_CALL, expected)


def test_access_log_is_complete_or_sampled_by_functions() -> None:
    """API Gateway logs every request in a lean line, or the functions log one call in a hundred."""
    for value, one_in in (("all", "0"), ("sampled", "100")):
        stack = Stack({"AccessLog": value})
        (stage,) = stack.of_type("AWS::ApiGatewayV2::Stage").values()
        assert ("AccessLogSettings" in stage) is (value == "all")
        functions = stack.of_type("AWS::Lambda::Function").values()
        sampled = {str(each["Environment"]["Variables"]["SAMPLED_CALLS"]) for each in functions}
        assert sampled == {one_in}


def test_access_log_line_is_json_with_the_error() -> None:
    """A line is JSON with request, address, route, status, time and the integration's error."""
    (stage,) = Stack().of_type("AWS::ApiGatewayV2::Stage").values()
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert set(line) == {"request_id", "ip", "route", "status", "ms", "error"}
    assert line["error"] == "$context.integrationErrorMessage"
