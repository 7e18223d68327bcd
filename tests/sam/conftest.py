"""SAM with a container engine, an image for functions, and the embedded services."""

import os
import platform
import signal
import sys
from collections.abc import Iterator
from socket import create_server
from typing import NoReturn

import pytest

from local.errors import LocalError
from local.stack import Stack
from tests.integration.test_events import SECRET
from tests.sam.base_image import LABEL, make_image
from tests.sam.bridge import bridged, put_kafka_at
from tests.sam.command import ROOT, VERSION, Sam
from tests.sam.engine import Engine, NoEngine, container_engine

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
IMAGE = f"public.ecr.aws/lambda/python:{VERSION}-{ARCHITECTURE}"
RUNTIME_CLIENT = ROOT / ".venv" / f"runtime-{VERSION}"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The container engine."""
    if sys.platform != "linux" or not ARCHITECTURE:
        leave("containers reach the services only on Linux, with x86-64 or arm64")
    # A terminated run ends in order, too, because the engine would outlive it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with container_engine(tmp_path_factory.mktemp("engine") / "dockerd.log") as engine:
            if not _is_here(engine.bridge_address):
                leave("the container engine runs on another machine, without the services")
            yield engine
    except NoEngine as reason:
        leave(str(reason))


@pytest.fixture(scope="session")
def image(engine: Engine) -> Iterator[None]:
    """The image that SAM uses: AWS's own if available, otherwise a substitute."""
    if engine.run("image", "ls", "--quiet", IMAGE) or _is_pulled(engine):
        yield
        return
    make_image(engine, IMAGE, RUNTIME_CLIENT)
    yield
    if not engine.is_ours:
        # Newest first: the image derived by SAM, then the substitute.
        listing = ("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL}")
        for made in dict.fromkeys(engine.run(*listing).split()):
            engine.run("image", "rm", "--force", made)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Stack]:
    """The services and the demo films, with a broker that containers can reach."""
    stack = Stack.temporary(tmp_path_factory.mktemp("stack"), gateway=False)
    put_kafka_at(stack, engine.bridge_address)
    with stack:
        yield stack


@pytest.fixture(scope="session")
def sam(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, image: None, stack: Stack
) -> Iterator[Sam]:
    """SAM, after `sam build` for this machine's Python and architecture."""
    with bridged(stack, engine.bridge_address) as variables:
        # The tokens of the committed events are signed with another secret.
        variables["JWT_SECRET_KEY"] += f",{SECRET}"
        sam = Sam(tmp_path_factory.mktemp("sam"), ARCHITECTURE, variables, engine)
        sam.build()
        yield sam


def leave(reason: str) -> NoReturn:
    """Skip on a laptop; fail where all tests have to run."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def _is_here(address: str) -> bool:
    try:
        create_server((address, 0)).close()
    except OSError:
        return False
    return True


def _is_pulled(engine: Engine) -> bool:
    try:
        engine.run("pull", "--quiet", IMAGE, seconds=300)
    except LocalError:
        return False
    return True
