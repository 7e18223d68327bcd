"""The objectives of the calls: which alarm is raised, when, and the arithmetic behind it."""

import json
import re
import time
from collections.abc import Callable

import pytest

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, ok
from streaming.composition.environment import Environment
from streaming.domain.errors import DatabaseUnavailable
from tests.support.context import Context
from tests.support.emitted import emitted
from tests.support.functions import ROOT, Json, event, response_of
from tests.support.metric_math import Metrics, is_composite_ringing, is_ringing
from tests.support.stacks import Stack
from tests.support.templates import source

SERVICE = "films"
START, PROGRESS = "films-start", "films-progress"
WINDOWS = {"OneHour": 60, "FiveMinutes": 5, "SixHours": 360, "ThirtyMinutes": 30}
BURN_RATES = {"OneHour": 14.4, "FiveMinutes": 14.4, "SixHours": 6.0, "ThirtyMinutes": 6.0}
# In percent of the calls, over 30 days.
BUDGETS = {"Availability": 0.1, "Latency": 1.0}


def alarms(function: str) -> Json:
    """Return the resources that monitor a function, by logical id."""
    parameters = {"ServiceName": SERVICE, "FunctionName": function, "AlarmTopicArn": "arn"}
    resources = Stack(parameters, path="infrastructure/objective.yaml").resources
    return {name: item["Properties"] for name, item in resources.items()}


def is_rung(function: str, metrics: Metrics, alarm: str = "AvailabilityAlarm") -> bool:
    """Return whether an alarm notifies."""
    found = alarms(function)
    ringing = {
        each["AlarmName"]: is_ringing(each, metrics)
        for each in found.values()
        if "AlarmRule" not in each
    }
    return is_composite_ringing(found[alarm]["AlarmRule"], ringing)


def calls(
    metrics: Metrics, function: str, minutes: range, *, failed: int, of: int, name: str
) -> None:
    """Record that many calls in each of the minutes, of which some have failed."""
    for minute in minutes:
        metrics.invoked(minute, function, "7", of)
        if failed:
            dimensions = {"service": SERVICE, "function_name": function}
            metrics.add(minute, "Streaming", name, failed, **dimensions)


def played(*minutes: tuple[range, int, int], name: str = "ServerErrors") -> Metrics:
    """Return metrics of start: in these minutes that many of that many calls failed."""
    metrics = Metrics()
    for each, failed, of in minutes:
        calls(metrics, START, each, failed=failed, of=of, name=name)
    return metrics


DAY = range(-1440, 1)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (played((DAY, 0, 1000)), False),
        (played((DAY, 1, 1000)), False),  # exactly the budget
        (played((range(-1440, -4), 0, 100), (range(-4, 1), 100, 100)), True),  # all fail
        (played((range(-1440, -59), 0, 1000), (range(-59, 1), 20, 1000)), True),  # 2 % for an hour
        (played((range(-1440, -359), 0, 1000), (range(-359, 1), 7, 1000)), True),  # 0.7 % for six
        (played((range(-1440, -59), 0, 1000), (range(-59, 1), 7, 1000)), False),
        (
            played((range(-60, -5), 500, 1000), (range(-5, 1), 0, 1000)),
            True,
        ),  # half an hour of 50 %
        (played((range(-60, -31), 500, 1000), (range(-31, 1), 0, 1000)), False),  # it is over
        (played((range(-60, 1), 0, 0), (range(-3, 1), 1, 3)), False),  # four calls at night
        (Metrics(), False),
    ],
)
def test_availability(metrics: Metrics, expected: object) -> None:
    """An alarm notifies while the budget of 30 days is spent fast, and not afterwards."""
    assert is_rung(START, metrics) is expected


def test_slow_answers() -> None:
    """If a fifth of the responses are slow for an hour an alarm notifies, but not for 0.5 %."""
    fifth = played((range(-1440, -59), 0, 100), (range(-59, 1), 20, 100), name="SlowAnswers")
    few = played((DAY, 1, 200), name="SlowAnswers")

    assert is_rung(START, fifth, "SlowAnswersAlarm")
    assert not is_rung(START, fifth)
    assert not is_rung(START, few, "SlowAnswersAlarm")


def test_starts_fail_among_many_reports() -> None:
    """Failing starts are detected although a hundred times as many reports succeed."""
    metrics = played((range(-60, 1), 10, 10))
    calls(metrics, PROGRESS, range(-60, 1), failed=0, of=6000, name="ServerErrors")

    assert is_rung(START, metrics)
    assert not is_rung(PROGRESS, metrics)


def test_time_outs_and_throttles_are_failures() -> None:
    """Calls that Lambda itself ends or refuses also count."""
    for name in ("Errors", "Throttles"):
        metrics = played((range(-60, 1), 0, 100))
        for minute in range(-10, 1):
            metrics.add(minute, "AWS/Lambda", name, 50, FunctionName=START)
        assert is_rung(START, metrics), name


class Started(Context):
    """Lambda's context in the start function."""

    function_name = START


def handler_of(
    handle: Callable[[Request, Identity, Environment], Response],
) -> Callable[[Json, Started], Json]:
    """Return a handler whose responses are prompt within a second."""
    decorate = http_handler(Environment({}), budget_seconds=2, prompt_seconds=1.0)
    handler: Callable[[Json, Started], Json] = decorate(handle)
    return handler


def away(request: Request, caller: Identity, environment: Environment) -> Response:
    """Respond with 503."""
    raise DatabaseUnavailable("PostgreSQL does not answer")


def fine(request: Request, caller: Identity, environment: Environment) -> Response:
    """Respond with 200."""
    return ok({})


@pytest.mark.parametrize(
    ("seconds_ago", "slow"), [(0.0, 0), (0.5, 0), (1.5, 1), (29.0, 1), (1e6, 0), (-5.0, 0)]
)
def test_what_counts_as_slow(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seconds_ago: float,
    slow: int,
) -> None:
    """A response is slow by the time since its call arrived; a call of long ago is a repeat."""
    monkeypatch.setenv("ENVIRONMENT", "local")
    payload = event("start")
    payload["requestContext"]["timeEpoch"] = int((time.time() - seconds_ago) * 1000)

    assert response_of(handler_of(fine)(payload, Started())).status == 200
    assert len(emitted(capsys.readouterr().out, "SlowAnswers")) == slow

    assert response_of(handler_of(away)(payload, Started())).status == 503
    assert not emitted(capsys.readouterr().out, "SlowAnswers")


def test_what_is_emitted_is_what_is_watched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slow and failed responses of the real boundary raise the alarms of the template."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
    monkeypatch.setenv("ENVIRONMENT", "local")
    payload = event("start")
    payload["requestContext"]["timeEpoch"] = int((time.time() - 5) * 1000)
    for handle, alarm in ((away, "AvailabilityAlarm"), (fine, "SlowAnswersAlarm")):
        for _ in range(10):
            handler_of(handle)(payload, Started())
        metrics = Metrics()
        metrics.read(0, capsys.readouterr().out)
        metrics.invoked(0, START, "7", 10)
        assert is_rung(START, metrics, alarm), alarm


def test_arithmetic() -> None:
    """Each threshold is the burn rate times the budget, over the window in its name."""
    found = alarms(START)
    for kind, budget in BUDGETS.items():
        for window, minutes in WINDOWS.items():
            alarm = found[f"{kind}{window}"]
            periods = {
                query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query
            }
            assert {int(each) for each in periods} == {minutes * 60}
            assert float(alarm["Threshold"]) == pytest.approx(BURN_RATES[window] * budget)
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    for burn_rate, hours in ((14.4, 1), (6.0, 6)):
        spent = burn_rate * hours / (30 * 24)
        row = f"| {burn_rate:g} | {hours} h |"
        (line,) = [each for each in text.splitlines() if each.startswith(row)]
        assert f"{spent:.0%}".replace("%", " %") in line


def test_every_call_has_its_objective() -> None:
    """The four calls and the authorizer are monitored, each with its promptness in the code."""
    resources = source()["Resources"]
    watched = {
        resource["Properties"]["Parameters"]["FunctionName"]["Ref"]
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudFormation::Stack"
        and resource["Properties"]["TemplateURL"] == "infrastructure/objective.yaml"
    }
    assert watched == {
        f"{each}Function" for each in ("Start", "Progress", "Get", "Stop", "Authorizer")
    }
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    for each in ("start", "progress", "get", "stop"):
        code = (ROOT / "functions" / each / "app.py").read_text("utf-8")
        (seconds,) = re.findall(r"prompt_seconds=([\d.]+)", code)
        assert f"| {each} | 99.9 % | 99 % within {float(seconds):g} s |" in text
    assert json.dumps(resources).count('"CountsSlowAnswers": "false"') == 1
