"""The round trips of each call to PostgreSQL, Redis and Kafka, and its bytes of write-ahead log.

All are exact, so one run is enough: ``python -m benchmarks.trips``. Bytes are the mean of some
viewers, because a row that moves to another page writes more.
"""

from benchmarks.comparison import costs
from benchmarks.comparison.stack import running


def main() -> None:
    """Print a line for each call of this service and of the peers."""
    with running() as (stack, logs):
        found = costs.measure(stack, logs)
    print(f"{'round trips of a call':<34}{'postgres':>10}{'redis':>10}{'kafka':>10}", end="")
    print(f"{'WAL bytes':>12}{'HOT':>8}")
    for service, calls in found.items():
        print(service)
        for name, each in calls.items():
            figures = costs.summary(each)
            share = figures.pop("hot_share")
            print(f"  {name:<32}{figures['postgres']:>10}{figures['redis']:>10}", end="")
            print(f"{figures['kafka']:>10}{figures['wal_bytes']:>12}", end="")
            print(f"{'':>8}" if share is None else f"{share:>8.0%}")


if __name__ == "__main__":
    main()
