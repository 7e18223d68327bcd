"""From what calls use to dollars: pure arithmetic, each assumption a named constant.

A viewer-hour is one film of an hour: a start, a get and a stop, and a report in each interval.
"""

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.cost.usage import Usage

VIEWER_HOURS = 1_000_000
SECONDS_AN_HOUR = 3600
# API Gateway remembers the authorizer's decision for this time.
AUTHORIZER_SECONDS = 300
# Lambda gives a function the share memory / 1769 of a processor.
FULL_PROCESSOR_MB = 1769
# Processors of an Aurora capacity unit of 2 GiB (an r6g.large has two for 16 GiB), and their use.
PROCESSORS_A_UNIT, BUSY = 0.25, 0.5
IO_BYTES = 4096
# Films that are watched at the same time, by how many viewers, and how long a signed copy is used.
FILMS, VIEWERS = 1_000, 100_000
COPY_HOURS = 1.0
# Objects of a film's copy that are written, and manifests that are read for it: three renditions.
COPY_OBJECTS = 4

LINES = ("API Gateway", "Lambda", "Aurora", "ElastiCache", "MSK", "S3", "logs")
Prices = Mapping[str, Any]
Dollars = dict[str, float]


def calls_an_hour(interval: int) -> dict[str, float]:
    """Return the calls of a viewer in an hour, with a report every ``interval`` seconds.

    >>> calls_an_hour(60)
    {'start': 1, 'progress': 60.0, 'get': 1, 'stop': 1, 'authorizer': 12.0}
    """
    return {
        "start": 1,
        "progress": SECONDS_AN_HOUR / interval,
        "get": 1,
        "stop": 1,
        "authorizer": SECONDS_AN_HOUR / max(interval, AUTHORIZER_SECONDS),
    }


def billed_milliseconds(usage: Usage, memory_mb: int) -> int:
    """Return what Lambda bills for a warm call, which computes longer in a small function.

    The measured duration has a whole processor, to which the rest of its processor time is added.
    """
    slower = max(1.0, FULL_PROCESSOR_MB / memory_mb)
    return math.ceil(usage.handler_ms + usage.processor_ms * (slower - 1))


def dollars(
    calls: Mapping[str, Usage],
    memory_mb: Mapping[str, int],
    log_bytes: Mapping[str, float],
    interval: int,
    prices: Prices,
) -> Dollars:
    """Return the dollars of a million viewer-hours by line.

    Args:
        calls: What each call uses.
        memory_mb: The memory of each function.
        log_bytes: What AWS logs of each call in addition to what the function prints.
        interval: Seconds between two reports.
        prices: The price table.
    """
    numbers = {call: VIEWER_HOURS * number for call, number in calls_an_hour(interval).items()}
    total = _Total(calls, numbers)
    requests = sum(number for call, number in numbers.items() if call != "authorizer")
    seconds = sum(
        number * billed_milliseconds(calls[call], memory_mb[call]) / 1000 * memory_mb[call] / 1024
        for call, number in numbers.items()
    )
    logged = sum(
        number * (calls[call].log_bytes + log_bytes[call]) for call, number in numbers.items()
    )
    unit_hours = total.of("database_ms") / 1000 / SECONDS_AN_HOUR / PROCESSORS_A_UNIT / BUSY
    return {
        "API Gateway": requests / 1e6 * prices["api_gateway"]["million_requests"],
        "Lambda": sum(numbers.values()) / 1e6 * prices["lambda"]["million_requests"]
        + seconds * prices["lambda"]["gigabyte_second"],
        "Aurora": unit_hours * _unit(prices)
        + sum(number * _ios(calls[call]) for call, number in numbers.items())
        / 1e6
        * prices["aurora"]["million_ios"],
        "ElastiCache": total.of("redis_commands") / 1e6 * prices["elasticache"]["million_units"],
        "MSK": total.of("event_bytes") / 1e9 * prices["msk"]["gigabyte_in"],
        "S3": _copies(prices),
        "logs": logged / 1e9 * prices["logs"]["gigabyte"],
    }


def fastest(short: Dollars, long: Dollars) -> str:
    """Return the line that grows most from long to short intervals between reports."""
    return max(LINES, key=lambda line: short[line] - long[line])


class _Total:
    def __init__(self, calls: Mapping[str, Usage], numbers: Mapping[str, float]) -> None:
        self._calls, self._numbers = calls, numbers

    def of(self, name: str) -> float:
        """Return the sum of one kind of usage over all calls."""
        return sum(
            number * float(getattr(self._calls[call], name))
            for call, number in self._numbers.items()
        )


def _unit(prices: Prices) -> float:
    return float(
        prices["aurora"]["capacity_unit_hour"] + prices["aurora"]["proxy_capacity_unit_hour"]
    )


def _ios(usage: Usage) -> float:
    """Return the write operations of a call: one for each commit, more if it writes more."""
    return max(usage.commits, usage.wal_bytes / IO_BYTES) if usage.commits else 0.0


def _copies(prices: Prices) -> float:
    copies = VIEWER_HOURS / VIEWERS / COPY_HOURS * FILMS
    puts = copies * COPY_OBJECTS / 1e6 * prices["s3"]["million_puts"]
    gets = copies * COPY_OBJECTS / 1e6 * prices["s3"]["million_gets"]
    return float(puts + gets)
