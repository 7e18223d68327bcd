"""A dependency that accepts connections but never responds delays a call, but does not break it."""

import json

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.rie.conftest import Launch
from tests.rie.deployed import OWN_ERRORS, losses
from tests.rie.scene import Scene, play_in_time
from tests.support.functions import Json
from tests.support.proxies import Proxies

# The operations that fail without a dependency; the others do not need it.
NEEDED = {
    "postgres": "database_unavailable",
    "s3": "storage_unavailable",
    "user_service": "entitlement_unavailable",
}
# A user cannot be erased while Redis keeps data; housekeeping postpones films to its next run; a
# film plays in its current version, whether or not that is on record.
EXCEPTIONS = {
    ("erase", "redis"): "cache_unavailable",
    ("subscription_changed", "redis"): "cache_unavailable",
    ("housekeeping", "s3"): None,
    ("invalidate", "postgres"): None,
}


@pytest.mark.parametrize(("function", "lost"), losses())
def test_black_hole(
    function: str,
    lost: tuple[str, ...],
    stack: Stack,
    proxies: Proxies,
    launch: Launch,
    rows: Rows,
) -> None:
    """Before Lambda ends it, the function returns a result, or the error that it cannot."""
    for each in lost:
        proxies[each].black_hole()
    codes = {EXCEPTIONS.get((function, each), NEEDED.get(each)) for each in lost} - {None}

    def play() -> tuple[Scene, Json]:
        scene = Scene(function, stack, rows)
        environment = launch(function)
        answer = environment.invoke(scene.event)
        assert environment.initialisations == 1
        return scene, answer

    scene, answer = play() if codes else play_in_time(play)

    if not codes:
        scene.check(answer)
    elif "statusCode" in answer:
        assert answer["statusCode"] == 503
        assert answer["headers"]["Content-Type"] == "application/problem+json"
        assert json.loads(answer["body"])["code"] in codes
    else:
        assert answer["errorType"] in OWN_ERRORS, answer
