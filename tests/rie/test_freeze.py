"""An environment that was frozen goes on where it was, whatever happened to its connections."""

import time

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.rie.conftest import Launch
from tests.rie.deployed import dependencies, losses
from tests.rie.scene import Scene
from tests.support.proxies import Proxies

# While one dependency is in trouble; a report is promised sooner, which a busy machine blurs.
PROMISED_SECONDS = {"start": 3.0, "progress": 3.0, "get": 3.0, "stop": 3.0}
USER_SERVICE_SECONDS = 5.0


@pytest.mark.parametrize("how", ["cut_connections", "forget_connections"])
@pytest.mark.parametrize(("function", "lost"), losses())
def test_thaw(
    function: str,
    lost: tuple[str, ...],
    how: str,
    stack: Stack,
    proxies: Proxies,
    launch: Launch,
    rows: Rows,
) -> None:
    """The first call after a thaw succeeds in time though the connections died meanwhile."""
    environment = launch(function)
    scene = Scene(function, stack, rows)
    scene.check(environment.invoke(scene.event))
    unused = [each for each in dependencies(function) if not proxies[each].accepted]
    assert not unused, "the event of this function leaves something out"
    pid = environment.runtime.pid
    scene = Scene(function, stack, rows)

    with environment.frozen():
        for each in lost:
            getattr(proxies[each], how)()
    began = time.monotonic()
    answer = environment.invoke(scene.event)
    seconds = time.monotonic() - began

    scene.check(answer)
    if len(lost) == 1 and function in PROMISED_SECONDS:
        patience = USER_SERVICE_SECONDS if lost == ("user_service",) else 0
        assert seconds < PROMISED_SECONDS[function] + patience
    assert environment.runtime.pid == pid
