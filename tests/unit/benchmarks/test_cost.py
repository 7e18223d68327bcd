"""The costs of a million viewer-hours."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cost import __main__ as command
from benchmarks.cost import logs, model, usage
from benchmarks.cost.usage import Kept, Usage
from tests.support.stacks import Stack

NOTHING = Usage(0, 0, 0, 0, 0, 0, 0, 0)
PRICES: dict[str, Any] = {
    "api_gateway": {"million_requests": 1.0},
    "lambda": {"million_requests": 0.2, "gigabyte_second": 0.00001},
    "aurora": {"capacity_unit_hour": 0.1, "proxy_capacity_unit_hour": 0.02, "million_ios": 0.2},
    "elasticache": {"million_units": 0.002},
    "msk": {"gigabyte_in": 0.1},
    "s3": {"million_puts": 5.0, "million_gets": 0.4},
    "logs": {"gigabyte": 0.5},
}
CALLS = ("start", "progress", "get", "stop", "authorizer")


def dollars(interval: int = 10, log_bytes: float = 0, **progress: float) -> model.Dollars:
    """Return the dollars of reports that use this much, while the other calls use nothing."""
    calls = dict.fromkeys(CALLS, NOTHING) | {"progress": replace(NOTHING, **progress)}
    logged = dict.fromkeys(CALLS, 0.0) | {"progress": log_bytes}
    return model.dollars(calls, dict.fromkeys(CALLS, 1024), logged, interval, PRICES)


def test_each_line_is_usage_times_price() -> None:
    """Each line is what 360 reports a viewer-hour use, times its price."""
    found = dollars(
        handler_ms=5,
        database_ms=1,
        commits=1,
        wal_bytes=400,
        redis_commands=2,
        event_bytes=300,
        log_bytes=100,
    )
    assert found["API Gateway"] == pytest.approx(363)
    # 375 calls a viewer-hour with the authorizer's, and 5 ms of a gigabyte for each report.
    assert found["Lambda"] == pytest.approx(375 * 0.2 + 360e6 * 0.005 * 0.00001)
    # A millisecond of a quarter of a processor that is used to a half, and one operation.
    assert found["Aurora"] == pytest.approx(360e6 * 0.001 / 3600 * 8 * 0.12 + 360 * 0.2)
    assert found["ElastiCache"] == pytest.approx(360 * 2 * 0.002)
    assert found["MSK"] == pytest.approx(360e6 * 300 / 1e9 * 0.1)
    assert found["logs"] == pytest.approx(360e6 * 100 / 1e9 * 0.5)
    assert tuple(found) == model.LINES


def test_reports_decide_the_cost() -> None:
    """With a report a minute instead of six, the lines of reports are a sixth."""
    often, seldom = dollars(10, event_bytes=300), dollars(60, event_bytes=300)
    assert often["MSK"] == pytest.approx(6 * seldom["MSK"])
    assert often["S3"] == seldom["S3"]
    assert model.fastest(often, seldom) == "API Gateway"


def test_small_functions_compute_longer() -> None:
    """Processor time takes longer in a function with a part of a processor; waiting does not."""
    call = replace(NOTHING, handler_ms=10.0, processor_ms=2.0)
    assert model.billed_milliseconds(call, 1769) == 10
    assert model.billed_milliseconds(call, 885) == 12
    assert model.billed_milliseconds(call, 3538) == 10


def test_large_writes_are_several_operations() -> None:
    """A commit is one operation, unless its log needs more."""
    once, twice = dollars(commits=1, wal_bytes=4096), dollars(commits=1, wal_bytes=8192)
    assert twice["Aurora"] == pytest.approx(2 * once["Aurora"])


def test_usage_is_kept(tmp_path: Path) -> None:
    """A measurement that was kept is the same when it is read again."""
    kept = Kept({"commit": "abc"}, {"ours": {"get": replace(NOTHING, handler_ms=1.25)}})
    usage.save(kept, tmp_path / "usage.json")
    assert usage.load(tmp_path / "usage.json") == kept


def test_times_come_from_the_comparison() -> None:
    """Times that were measured in turn with the peers replace those of a service alone."""
    kept = Kept({}, {"ours": {"get": replace(NOTHING, redis_commands=1), "authorizer": NOTHING}})
    measured = {"p50_ms": 2.0, "processor_ms": 1.0}
    comparison = {
        "circumstances": {"commit": "abc"},
        "delayed": {"services": {"ours": {"get": measured}}},
    }
    found = command.with_times(kept, comparison)
    assert found.services["ours"] == {
        "get": replace(NOTHING, redis_commands=1, handler_ms=2.0, processor_ms=1.0),
        "authorizer": NOTHING,
    }
    assert found.circumstances == {"times": "abc"}


def test_a_line_of_the_access_log() -> None:
    """The bytes are those of a line in the template's format, with all variables replaced."""
    (stage,) = Stack().of_type("AWS::ApiGatewayV2::Stage").values()
    assert logs.access_format() == stage["AccessLogSettings"]["Format"]
    assert logs.line_bytes('{"status":"$context.status"}') == len('{"status":"200"}')
    assert 100 < logs.line_bytes(logs.access_format()) < logs.line_bytes(logs.FORMER_FORMAT)
    assert all(json.loads(event)["type"] for event in logs.PLATFORM_EVENTS)


def test_prices_have_a_source_and_a_date() -> None:
    """Every price names the page that publishes it, and the table its date and region."""
    prices = tomllib.loads(command.PRICES.read_text("utf-8"))
    assert prices["date"]
    assert prices["region"] == "us-east-1"
    for service, used in PRICES.items():
        assert prices[service]["source"].startswith("https://aws.amazon.com/")
        assert used.keys() <= prices[service].keys()


def test_the_document_is_current() -> None:
    """docs/cost.md follows from the kept figures, the prices and the template's memory."""
    assert command.DOCUMENT.read_text("utf-8") == command.written(), "run make cost COST=--kept"
