"""Command line: ``make cost``, or ``python -m benchmarks.cost --kept`` without measuring again."""

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.circumstances import ROOT
from benchmarks.cost import document, usage
from benchmarks.cost.usage import Kept
from local.gateway.template import read

PRICES = Path(__file__).with_name("prices.toml")
COMPARISON = ROOT / "benchmarks" / "results" / "comparison.json"
DOCUMENT = ROOT / "docs" / "cost.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, unless the kept figures are asked for, and write the document."""
    parser = argparse.ArgumentParser(prog="benchmarks.cost", description=__doc__)
    parser.add_argument("--kept", action="store_true", help="use the figures of the last run")
    if not parser.parse_args(arguments).kept:
        # Imported here: it starts servers, and needs the peers' packages.
        from benchmarks.cost import measuring

        usage.save(measuring.measure())
    write()


def write() -> None:
    """Write the document of the kept figures."""
    DOCUMENT.write_text(written(), "utf-8")


def written() -> str:
    """Return the document of the kept figures."""
    kept = usage.load()
    if COMPARISON.exists():
        kept = with_times(kept, json.loads(COMPARISON.read_text("utf-8")))
    return document.text(kept, memory_mb(), tomllib.loads(PRICES.read_text("utf-8")))


def with_times(kept: Kept, comparison: Mapping[str, Any]) -> Kept:
    """Return the usage with the times of ``make bench``, which measures services in turn."""
    times = comparison["delayed"]["services"]
    services = {
        service: {
            call: replace(
                each,
                handler_ms=times[service][call]["p50_ms"],
                processor_ms=times[service][call]["processor_ms"],
            )
            if call in times.get(service, {})
            else each
            for call, each in calls.items()
        }
        for service, calls in kept.services.items()
    }
    about = {**kept.circumstances, "times": comparison["circumstances"]["commit"]}
    return Kept(about, services)


def memory_mb() -> dict[str, int]:
    """Return the memory of each function of the template, by the name of its folder."""
    functions = read(ROOT / "template.yaml", {}).functions.values()
    return {
        each.directories[0].name: int(each.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        for each in functions
    }


if __name__ == "__main__":
    main()
