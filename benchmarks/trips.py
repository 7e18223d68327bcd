"""The round trips of each call to PostgreSQL, Redis and Kafka, and its bytes of write-ahead log.

Both are exact, so one run is enough: ``python -m benchmarks.trips``. Bytes are the mean of all
viewers, because a row that moves to another page writes more.
"""

import os
import statistics
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from local import demo
from local.isolation import leave_aws_alone, reach_loopback_directly
from local.stack import Stack
from tests.conftest import set_subscription
from tests.support.call_costs import COUNTED, Cost, TripProxies, costs
from tests.support.functions import ExecutionEnvironment, new_viewer, patient_request
from tests.support.wal import WriteAheadLog

VIEWERS = 10
# The first viewers open the connections, and change each page for the first time.
WARM_UP = 2


def main() -> None:
    """Print a line for each call."""
    leave_aws_alone(os.environ)
    reach_loopback_directly(os.environ)
    with TemporaryDirectory() as folder, Stack.temporary(Path(folder), gateway=False) as stack:
        found = measure(stack)
    print(f"{'round trips of a call':<28}" + "".join(f"{name:>10}" for name in COUNTED), end="")
    print(f"{'WAL bytes':>12}{'HOT':>12}")
    for name, each in found.items():
        trips = each[-1].trips
        written = statistics.mean(cost.wal.written_bytes for cost in each)
        hot = sum(cost.wal.hot_updates for cost in each)
        updates = hot + sum(cost.wal.other_updates for cost in each)
        print(f"  {name:<26}" + "".join(f"{trips[server]:>10}" for server in COUNTED), end="")
        print(f"{written:>12.0f}{f'{hot} of {updates}':>12}")


def measure(stack: Stack) -> dict[str, list[Cost]]:
    """Return the costs of each call for a number of viewers."""
    found: defaultdict[str, list[Cost]] = defaultdict(list)
    movie_id = UUID(demo.DEMO_MOVIE_ID)
    os.environ.update(stack.environment)
    with (
        TripProxies(stack) as proxies,
        WriteAheadLog(stack.postgres) as log,
        ExecutionEnvironment(proxies.environment) as environment,
    ):
        for number in range(WARM_UP + VIEWERS):
            viewer = new_viewer(stack.token)
            set_subscription(stack, viewer.user_id, is_active=True)
            replace(viewer, send=patient_request).start(movie_id)
            for name, cost in costs(proxies, log, viewer, movie_id):
                if number >= WARM_UP:
                    found[name].append(cost)
        environment.close()
    return found


if __name__ == "__main__":
    main()
