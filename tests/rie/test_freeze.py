"""A thawed environment continues to work after the loss of its connections."""

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.rie.conftest import Launch
from tests.rie.deployed import dependencies, losses
from tests.rie.scene import Scene, play_in_time, warm
from tests.support.functions import Json
from tests.support.proxies import Proxies


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
    """The first call after a thaw succeeds although the connections were closed meanwhile."""
    environment = warm(launch, function, stack, rows)
    unused = [each for each in dependencies(function) if not proxies[each].accepted]
    assert not unused, "the event of this function does not use every dependency"
    pid = environment.runtime.pid

    def thaw() -> tuple[Scene, Json]:
        scene = Scene(function, stack, rows)
        with environment.frozen():
            for each in lost:
                getattr(proxies[each], how)()
        return scene, environment.invoke(scene.event)

    scene, answer = play_in_time(thaw)

    scene.check(answer)
    assert environment.runtime.pid == pid
