"""A gateway for one test."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.gateway_process import GatewayProcess


@pytest.fixture
def own(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway for a test that changes or ends it."""
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    yield gateway
    if gateway.process.poll() is None:
        gateway.stop(signal.SIGKILL)
