"""Every committed event by `sam local invoke`, as developers call single functions."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from local.gateway.intrinsics import load_yaml
from local.stack import Stack
from tests.integration.test_events import ANSWERS, IDENTITIES, RESULTS, USER
from tests.sam.command import Sam
from tests.support.functions import EVENTS, ROOT

Answers = dict[str, "Future[Any]"]

NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))


def function_of(name: str) -> str:
    """Return the logical id of the function whose name begins the event's name."""
    resources = load_yaml((ROOT / "template.yaml").read_text("utf-8"))["Resources"]
    functions: dict[str, str] = {
        Path(resource["Properties"]["CodeUri"]).name: logical_id
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    folder = max((each for each in functions if f"{name}_".startswith(f"{each}_")), key=len)
    return functions[folder]


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest, sam: Sam, stack: Stack) -> Iterator[Answers]:
    """The functions' responses, called concurrently, for a subscriber with a position."""
    subscription = json.dumps({"is_active": True, "plan_id": "premium", "expires_at": None})
    Redis(port=stack.ports.redis_port).set(f"subscription:{USER}", subscription, ex=3600)

    def invoke(name: str) -> Any:
        return sam.invoke(function_of(name), EVENTS / f"{name}.json")

    selected = [
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        running = {"progress": pool.submit(invoke, "progress")}
        running["progress"].result()
        yield running | {
            name: pool.submit(invoke, name) for name in selected if name not in running
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_event(answers: Answers, name: str) -> None:
    """A function returns the same in a container as in process."""
    answer = answers[name].result()

    if name in ANSWERS:
        status, code = ANSWERS[name]
        assert answer["statusCode"] == status, answer
        assert code is None or json.loads(answer["body"])["code"] == code
    elif name in IDENTITIES:
        assert answer["isAuthorized"] is True
        assert answer["context"].items() >= IDENTITIES[name].items()
    else:
        assert answer.keys() == RESULTS[name], answer
