"""The local gateway caches an authorizer's decisions, and nothing else."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from local.gateway.authorizer import Authorizers, Decision
from local.gateway.events import Request
from local.gateway.model import Authorizer, Route
from local.gateway.process import Result
from local.gateway.responses import Response
from local.gateway.routes import Match
from local.gateway.sources import Fingerprint
from local.gateway.workers import Pools

MATCH = Match(Route("GET", "/", "F", authorizer="A"), {})


class Function:
    """An authorizer function that returns the same response to each invocation."""

    def __init__(self, answer: object, *, failed: bool = False) -> None:
        self._result = Result(json.dumps(answer).encode(), failed)
        self.asked = 0

    def sources(self) -> Fingerprint:
        """Return the state of its files, which do not change."""
        return cast("Fingerprint", Path())

    async def invoke(self, event: Any) -> Result:
        """Return the response."""
        assert event["identitySource"] == ["Bearer x"]
        self.asked += 1
        return self._result


def decisions(function: Function) -> list[Decision | Response]:
    """Return the decisions about two requests with one token."""
    authorizer = Authorizer("A", "F", headers=("authorization",), ttl=300)
    admitting = Authorizers({"A": authorizer}, cast("Pools", {"F": function}), "eu-central-1")
    given = Request(
        "GET", "/", "", (("authorization", "Bearer x"),), b"", "192.0.2.1", 80, "1", 0.0
    )

    async def twice() -> list[Decision | Response]:
        return [await admitting.admit(given, MATCH) for _ in range(2)]

    return asyncio.run(twice())


@pytest.mark.parametrize("is_authorized", [True, False])
def test_decisions_are_cached(*, is_authorized: bool) -> None:
    """The function is asked once for each token, whatever it decides."""
    function = Function({"isAuthorized": is_authorized})
    first, second = decisions(function)
    assert isinstance(first, Decision if is_authorized else Response)
    assert type(first) is type(second)
    assert function.asked == 1


@pytest.mark.parametrize(("answer", "failed"), [(None, False), ("retry", False), ({}, True)])
def test_what_is_no_decision_is_not_cached(answer: object, *, failed: bool) -> None:
    """Without a decision, as for tokens that cannot be judged yet, each request gets 500."""
    function = Function(answer, failed=failed)
    assert [each.status for each in decisions(function) if isinstance(each, Response)] == [500, 500]
    assert function.asked == 2
