"""The connection to Kafka, where none can be opened."""

import gc
import sys
from collections import Counter
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
def test_failed_attempts_leave_nothing_open(no_collector: None) -> None:
    """During an outage an environment does not collect selectors and sockets of its attempts."""
    connect = Connector()
    settings = EventSettings(bootstrap_servers=("127.0.0.1:9",))
    before = _open_descriptors()

    for _ in range(3):
        with pytest.raises((KafkaError, OSError)):
            connect(settings)

    # Producers of other tests may close or open theirs at the same time.
    assert eventually(lambda: _open_descriptors() <= before)


def _open_descriptors() -> Counter[str]:
    """The number of open selectors and of open sockets."""
    kinds: Counter[str] = Counter()
    for descriptor in DESCRIPTORS.iterdir():
        try:
            kinds[str(descriptor.readlink()).partition(":[")[0]] += 1
        except FileNotFoundError:
            # The listing's own descriptor is closed by then.
            continue
    return Counter({kind: kinds[kind] for kind in ("anon_inode", "socket")})
