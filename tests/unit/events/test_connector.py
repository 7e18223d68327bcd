"""The connection to Kafka, where none can be opened."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import KafkaError

from streaming.config.events import EventSettings
from streaming.events.connector import Connector
from tests.support.waiting import eventually

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The garbage collector does not close what the code leaves open."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are listed in /proc")
def test_failed_attempts_leave_no_selector_open(no_collector: None) -> None:
    """During an outage an environment does not collect selectors, one per attempt."""
    connect = Connector()
    settings = EventSettings(bootstrap_servers=("127.0.0.1:9",))
    before = _selectors()

    for _ in range(3):
        with pytest.raises((KafkaError, OSError)):
            connect(settings)

    # Producers of other tests may close or open theirs at the same time.
    assert eventually(lambda: _selectors() <= before)


def _selectors() -> int:
    links = []
    for descriptor in DESCRIPTORS.iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:
            # The listing's own descriptor is closed by then.
            continue
    return links.count("anon_inode:[eventpoll]")
