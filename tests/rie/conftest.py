"""Functions under Lambda's emulator, with proxies in front of the embedded servers."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from local.stack import Stack
from tests.rie.deployed import deployed, function_environment
from tests.support.proxies import Proxies
from tools.emulator import Emulator, build_dependencies

Launch = Callable[..., Emulator]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers and the demo films; the emulator replaces the gateway."""
    with Stack.temporary(tmp_path_factory.mktemp("stack"), gateway=False) as running:
        yield running


@pytest.fixture(scope="session")
def dependencies_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dependency layer as in a deployment, for this machine."""
    if sys.platform != "linux":
        pytest.skip("Lambda's emulator needs Linux")
    return build_dependencies(tmp_path_factory.mktemp("dependencies"))


@pytest.fixture
def proxies(stack: Stack) -> Iterator[Proxies]:
    """A proxy in front of each server, new for each test."""
    with Proxies(stack) as running:
        yield running


@pytest.fixture
def launch(proxies: Proxies, dependencies_layer: Path, tmp_path: Path) -> Iterator[Launch]:
    """Starts functions that reach their dependencies through the proxies."""
    functions = deployed(function_environment(proxies.environment))
    numbers = count(1)
    with ExitStack() as running:

        def start(name: str, **variables: str) -> Emulator:
            function = functions[name]
            layers = [*function.directories[1:], dependencies_layer]
            log = tmp_path / f"{name}-{next(numbers)}.log"
            return running.enter_context(Emulator(function, layers, log, variables))

        yield start
