"""Each function in a separate execution environment, as deployed."""

import json
from functools import partial

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.integration.test_events import ANSWERS, IDENTITIES, RESULTS
from tests.rie.conftest import Launch
from tests.rie.deployed import FUNCTIONS, OWN_ERRORS, dependencies
from tests.rie.scene import Scene, events_for, is_late, play_in_time, warm
from tests.support.functions import Json
from tests.support.proxies import DEPENDENCIES, Proxies
from tests.support.waiting import in_time

# Functions that open connections for each single call.
CALLED_ONCE = {"migrate"}
BACKENDS = """
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'streaming' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_committed_events(function: str, stack: Stack, launch: Launch, rows: Rows) -> None:
    """One environment returns for every committed event of its function the same as in process."""
    environment = launch(function)
    scene = Scene(function, stack, rows)
    names = events_for(function)
    assert names
    for name in names:
        payload = scene.of_its_viewer(name)
        answer = in_time(partial(environment.invoke, payload), is_late)

        assert "errorType" not in answer, (name, answer)
        if name in ANSWERS:
            status, code = ANSWERS[name]
            assert answer["statusCode"] == status, (name, answer)
            assert code is None or json.loads(answer["body"])["code"] == code
        if name in RESULTS:
            assert answer.keys() == RESULTS[name]
        if name in IDENTITIES:
            assert answer["context"].items() >= IDENTITIES[name].items()
    assert environment.initialisations == 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_servers_are_gone(
    function: str, stack: Stack, proxies: Proxies, launch: Launch, rows: Rows
) -> None:
    """An environment initialises without any server; the function reports what is unavailable."""
    scene = Scene(function, stack, rows)
    for each in DEPENDENCIES:
        proxies[each].refuse()
    environment = launch(function)

    answer = environment.invoke(scene.event)

    assert environment.initialisations == 1
    if "statusCode" in answer:
        assert answer["statusCode"] in (200, 503), answer
    else:
        assert answer.get("errorType") in {None, *OWN_ERRORS}, answer


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - CALLED_ONCE))
def test_connections_are_kept(
    function: str, stack: Stack, proxies: Proxies, launch: Launch, rows: Rows
) -> None:
    """The calls of an environment share its connections, and its one connection to PostgreSQL."""
    environment = warm(launch, function, stack, rows)
    assert len(rows(BACKENDS)) == ("postgres" in dependencies(function))

    def call() -> tuple[Scene, Json]:
        scene = Scene(function, stack, rows)
        return scene, environment.invoke(scene.event)

    def are_kept() -> bool:
        before = (_accepted(proxies), rows(BACKENDS))
        for _ in range(3):
            scene, answer = play_in_time(call)
            scene.check(answer)
        return (_accepted(proxies), rows(BACKENDS)) == before

    # On a busy machine a server may be too late once, and its connection is replaced.
    assert any(are_kept() for _ in range(3))
    assert environment.initialisations == 1


def _accepted(proxies: Proxies) -> dict[str, int]:
    # A function opens as many connections to S3 as it needs concurrently.
    return {each: proxies[each].accepted for each in DEPENDENCIES if each != "s3"}
