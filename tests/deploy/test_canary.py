"""The requests of a canary, and their effect on the roll-out of a version."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.deploy.deployment import Deployment
from tests.deploy.emulator import canary
from tests.support.functions import ROOT, Json, event
from tests.support.metric_math import Metrics, is_ringing

FUNCTION = "streaming-dev-get"
ALARM = f"{FUNCTION}-release"
GROUP = "/streaming/streaming-dev/get"
# Ten requests, one of them to the new version.
TO_FORMER, TO_NEW = 9, 1
CODE = (ROOT / "layers/streaming/python/streaming/access/identity.py").read_text("utf-8")
BROKEN = f"""{CODE}

def require_identity(*_: object) -> Identity:
    raise ZeroDivisionError
"""


class Traffic:
    """Requests to both versions of a function, while one of them is rolled out."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.statuses: dict[str, list[int]] = {}

    def __call__(self, alias: Json) -> None:
        """Send it, and set the alarms as CloudWatch would, by the output and the invocations."""
        if not alias["FunctionName"].endswith(FUNCTION):
            return
        aws, metrics = self._deployment.aws, Metrics()
        printed = len(aws.log(GROUP))
        self.statuses = {}
        for version, times in ((alias["Before"], TO_FORMER), (alias["FunctionVersion"], TO_NEW)):
            self.statuses[version] = [self._ask(version) for _ in range(times)]
            metrics.invoked(0, FUNCTION, version, times)
        metrics.read(0, aws.log(GROUP)[printed:])
        watched = aws.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])
        (alarm,) = watched["MetricAlarms"]
        set_alarm(self._deployment, "ALARM" if is_ringing(alarm, metrics) else "OK")

    def _ask(self, version: str) -> int:
        payload = json.dumps(event("get_progress")).encode()
        answer = self._deployment.aws.client("lambda").invoke(
            FunctionName=FUNCTION, Qualifier=version, Payload=payload
        )
        return int(json.loads(answer["Payload"].read())["statusCode"])


@pytest.fixture(scope="module")
def deployed(deployed: Deployment) -> Deployment:
    """An environment whose next deployments are canaries."""
    deployed.parameters["Deployment"] = "Canary10Percent5Minutes"
    return deployed


@pytest.fixture
def traffic(deployed: Deployment) -> Iterator[Traffic]:
    """Traffic during a canary."""
    sent = Traffic(deployed)
    with during(sent):
        yield sent


@contextmanager
def during(act: Callable[[Json], None]) -> Iterator[None]:
    """Call ``act`` whenever a new version of a function has its share."""
    canary.during.append(act)
    try:
        yield
    finally:
        canary.during.remove(act)


def set_alarm(deployment: Deployment, state: str) -> None:
    """Set the state of the alarm that the function's canary watches."""
    deployment.aws.client("cloudwatch").set_alarm_state(
        AlarmName=ALARM, StateValue=state, StateReason="the test"
    )


def version_of(deployment: Deployment) -> str:
    """Return the version behind the function's alias."""
    return str(deployment.served()[FUNCTION]["Version"])


def test_a_healthy_version_is_rolled_out(deployed: Deployment, traffic: Traffic) -> None:
    """A version that responds like the previous one gets all requests."""
    before = version_of(deployed)

    deployed.with_layer("healthy", "").succeed()

    after = version_of(deployed)
    assert after != before
    # The viewer has no position.
    assert traffic.statuses == {before: [404] * TO_FORMER, after: [404] * TO_NEW}


def test_a_version_that_answers_500_is_rolled_back(deployed: Deployment, traffic: Traffic) -> None:
    """A version that returns only 500 is rolled back with the whole deployment."""
    before = deployed.served()

    done = deployed.with_layer("access/identity", BROKEN).deploy()

    assert done.returncode != 0
    (new,) = traffic.statuses.keys() - {before[FUNCTION]["Version"]}
    assert traffic.statuses[new] == [500] * TO_NEW
    assert any(f"{ALARM} in ALARM" in reason for reason in deployed.reasons())
    assert deployed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert {name: each["Version"] for name, each in deployed.served().items()} == {
        name: each["Version"] for name, each in before.items()
    }


def test_what_was_rolled_back_can_be_tried_again(deployed: Deployment) -> None:
    """The same artefacts take effect at the second try, though Lambda has their version already."""
    before = version_of(deployed)
    released = deployed.with_layer("again", "")
    with during(lambda alias: set_alarm(deployed, "ALARM")):
        assert released.deploy().returncode != 0
    assert deployed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert version_of(deployed) == before
    set_alarm(deployed, "OK")

    released.succeed()

    assert version_of(deployed) != before
