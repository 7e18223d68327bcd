"""The load test: its bounds, its viewers, and its results."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from benchmarks.circumstances import circumstances
from benchmarks.load import plot, report, results
from benchmarks.load.options import Options, parse
from benchmarks.load.player import Player
from benchmarks.load.samples import Samples
from benchmarks.load.viewer import Plan, watch

INTERVAL = 0.01


class Api:
    """The service as a viewer sees it: a position, and the calls so far."""

    def __init__(self, *, loses: str = "", status: int = 200) -> None:
        self.position = 0
        self.calls: Counter[str] = Counter()
        self.loses = loses
        self.status = status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer with the position that the last report set."""
        last = request.url.path.rpartition("/")[2]
        call = f"{request.method} {last if last in ('progress', 'stop') else 'start'}"
        self.calls[call] += 1
        if request.method == "POST" and call not in ("POST start", self.loses):
            self.position = json.loads(request.content)["position_seconds"]
        answer = {
            "position_seconds": self.position,
            "resume_position_seconds": self.position,
            "session_id": "a session",
        }
        return httpx.Response(self.status, json=answer)


async def watched(api: Api, kind: int) -> Samples:
    """Return the samples of one viewer of a kind, who reports up to five times."""
    samples = Samples()
    transport = httpx.MockTransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        plan = Plan(asyncio.get_running_loop().time(), 6 * INTERVAL, INTERVAL)
        await watch(kind, plan, lambda: Player(client, "token", "film", samples))
    return samples


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (0, {"POST start": 1, "POST progress": 3, "POST stop": 1, "GET progress": 1}),
        (1, {"POST start": 2, "POST progress": 5, "POST stop": 2, "GET progress": 2}),
        (2, {"POST start": 1, "POST progress": 5, "POST stop": 1, "GET progress": 2}),
        (3, {"POST start": 1, "POST progress": 5, "POST stop": 1, "GET progress": 1}),
    ],
)
def test_viewers_pause_and_move(kind: int, expected: dict[str, int]) -> None:
    """A viewer pauses, moves to another device, looks for films, or only watches."""
    api = Api()
    samples = asyncio.run(watched(api, kind))
    assert api.calls == expected
    assert samples.count == sum(expected.values())
    assert not samples.errors


def test_a_wrong_position_is_an_error() -> None:
    """An acknowledged report that the service does not return is an error of the run."""
    samples = asyncio.run(watched(Api(loses="POST progress"), 3))
    assert samples.errors == {"progress: wrong position": 1}


def test_a_wrong_status_is_an_error() -> None:
    """A call with another status than 200 is an error of the run and no sample."""
    samples = asyncio.run(watched(Api(status=503), 3))
    assert samples.errors == {"start: status 503": 1}
    assert samples.count == 0


@pytest.mark.parametrize(
    "line",
    [
        "--viewers 5001",
        "--viewers 1,1,1,1,1,1,1,1,1",
        "--viewers 0",
        "--seconds 121",
        "--seconds 59",
        "--interval 0",
        "--save-as now",
    ],
)
def test_a_run_is_bounded(line: str) -> None:
    """A run with more viewers or time than the bounds allow does not start."""
    with pytest.raises(SystemExit):
        parse(line.split())


def test_another_commit_is_measured_alike() -> None:
    """The command line for another commit's worktree is the same, without the commit."""
    line = "--viewers 10,20 --seconds 30 --interval 5 --save-as before --commit abc"
    given = parse(line.split())
    assert given == Options((10, 20), 30, 5, "before", "abc")
    assert parse(given.without_commit) == Options((10, 20), 30, 5, "before")


def test_results_are_kept_and_shown(tmp_path: Path) -> None:
    """The section has a table of each kept run, and the plot is drawn from the same figures."""
    samples = Samples()
    for call in ("start", "progress", "get", "stop"):
        for milliseconds in range(1, 101):
            samples.add(call, milliseconds / 1000)
    level = {
        "viewers": 1000,
        "seconds": 2.0,
        "requests": samples.count,
        "requests_a_second": 200.0,
        "processor_ms_a_request": 1.5,
        "errors": {},
        "calls": samples.summary(),
    }
    run = {**circumstances(), "interval_seconds": 20, "levels": [level]}
    for name in ("before", "after"):
        results.save(name, run, tmp_path / "load.json")
    kept = results.load(tmp_path / "load.json")
    assert kept == {"before": run, "after": run}
    assert report.section(kept).count("| 1,000 | 200 | 1.5 | 0 | 50 / 95 / 99 |") == 2
    plot.draw(kept, tmp_path / "load.png")
    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")
