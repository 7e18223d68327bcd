"""The servers of the measurements."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.comparison import services
from local.isolation import leave_aws_alone, reach_loopback_directly
from local.stack import Stack
from tests.support.redis_trust import use_redis

# How much longer a round trip takes between two zones of a region than on one machine.
DELAY_SECONDS = 0.0005


@contextmanager
def running() -> Iterator[tuple[Stack, Path]]:
    """Run a stack without housekeeping; yield it, and a folder for the logs of functions."""
    leave_aws_alone(os.environ)
    reach_loopback_directly(os.environ)
    with TemporaryDirectory() as name:
        folder = Path(name)
        logs = folder / "functions"
        logs.mkdir()
        with Stack.temporary(folder / "stack", gateway=False) as stack:
            services.prepare(stack)
            use_redis(stack)
            yield stack, logs
