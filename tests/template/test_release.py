"""The alarm of a deployment, which ends a roll-out, evaluated on real metrics."""

from collections.abc import Callable

import pytest

from streaming.api.handler import public_http_handler
from streaming.api.http import Request, Response, ok
from streaming.composition.environment import Environment
from streaming.domain.errors import DatabaseUnavailable
from tests.support.context import Context
from tests.support.functions import event, response_of
from tests.support.metric_math import Metrics, is_ringing
from tests.support.stacks import Stack
from tests.support.templates import Json, source

SERVICE = "films"
FUNCTION = "films-start"
FORMER, NEW = "7", "8"

Handler = Callable[[Request, Environment], Response]


def healthy(request: Request, environment: Environment) -> Response:
    """Respond successfully."""
    return ok({})


def buggy(request: Request, environment: Environment) -> Response:
    """Respond with 500."""
    raise ZeroDivisionError


def away(request: Request, environment: Environment) -> Response:
    """Respond with 503."""
    raise DatabaseUnavailable("PostgreSQL does not answer")


class Version(Context):
    """Lambda's context in one version of the function."""

    function_name = FUNCTION

    def __init__(self, version: str) -> None:
        self.function_version = version


@pytest.fixture
def alarm() -> Json:
    """The alarm of the function while ``NEW`` is rolled out."""
    parameters = {
        "ServiceName": SERVICE,
        "FunctionName": FUNCTION,
        "Version": NEW,
        "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
    }
    stack = Stack(parameters, path="infrastructure/release.yaml")
    properties: Json = stack.resources["ReleaseAlarm"]["Properties"]
    return properties


@pytest.fixture
def play(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Metrics]:
    """Simulates a minute of a canary: nine requests to the previous version, one to the new one."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
    monkeypatch.setenv("ENVIRONMENT", "local")

    def minute(former: Handler, new: Handler, crashes: int = 0) -> Metrics:
        metrics = Metrics()
        for version, handle, times in ((FORMER, former, 9), (NEW, new, 1)):
            handler = public_http_handler(Environment({}), budget_seconds=1)(handle)
            for _ in range(times):
                response_of(handler(event("docs"), Version(version)))
            errors = crashes if version == NEW else 0
            metrics.invoked(0, FUNCTION, version, times, errors=errors)
            metrics.read(0, capsys.readouterr().out)
        return metrics

    return minute


def test_version_that_answers_nothing_but_500(alarm: Json, play: Callable[..., Metrics]) -> None:
    """One minute of a new version that returns only 500 ends its roll-out."""
    assert is_ringing(alarm, play(healthy, buggy))


def test_version_that_crashes(alarm: Json, play: Callable[..., Metrics]) -> None:
    """Time-outs and crashes of the new version, without responses, end its roll-out."""
    assert is_ringing(alarm, play(healthy, healthy, crashes=1))


def test_healthy_version(alarm: Json, play: Callable[..., Metrics]) -> None:
    """A version without failures is rolled out."""
    assert not is_ringing(alarm, play(healthy, healthy))


def test_version_that_finds_no_dependency(alarm: Json, play: Callable[..., Metrics]) -> None:
    """If only the new version returns 503, it is the cause, and its roll-out ends."""
    assert is_ringing(alarm, play(healthy, away))


def test_outage(alarm: Json, play: Callable[..., Metrics]) -> None:
    """A dependency that is unavailable for both versions does not end the roll-out."""
    assert not is_ringing(alarm, play(away, away))


def test_version_that_mends(alarm: Json, play: Callable[..., Metrics]) -> None:
    """The previous version's failures do not block the version that fixes them."""
    assert not is_ringing(alarm, play(buggy, healthy))


def test_nothing_happens(alarm: Json) -> None:
    """A function without calls does not end a roll-out."""
    assert not is_ringing(alarm, Metrics())


def test_every_deployment_watches_its_own_version(resources: Json) -> None:
    """Each function behind an alias has the alarm of the version that the alias gets next."""
    found = 0
    for name, resource in source()["Resources"].items():
        properties = resource.get("Properties", {})
        if "AutoPublishAlias" not in properties:
            continue
        found += 1
        alias = resources[f"{name}Aliaslive"]["Properties"]
        group = resources[f"{name}DeploymentGroup"]["Properties"]
        (watched,) = group["AlarmConfiguration"]["Alarms"]
        stack, output = watched["Name"]["Fn::GetAtt"]
        assert output == "Outputs.AlarmName"
        beside = resources[stack]["Properties"]
        assert beside["TemplateURL"] == "infrastructure/release.yaml"
        assert beside["Parameters"]["FunctionName"] == alias["FunctionName"] == {"Ref": name}
        assert beside["Parameters"]["Version"] == alias["FunctionVersion"]
    assert found >= 8
