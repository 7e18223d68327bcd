"""`python -m local` as a developer meets it: its processes, its exit codes, its one-line errors."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pg8000.native
import psutil
import pytest

from local.ports import Ports

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60
GONE_SECONDS = 10


# What developers have in their shells: a profile that does not exist, proxies that answer nobody.
SHELL = {
    "AWS_PROFILE": "company",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "HOME": "/nonexistent",
}


@dataclass
class Run:
    """One `python -m local`, and every process that it started."""

    process: subprocess.Popen[str]
    folder: Path

    def await_ready(self) -> None:
        """Wait for stack.json, and remember the processes that are alive by then."""
        await_condition(self._is_ready, READY_SECONDS)
        self.started = psutil.Process(self.process.pid).children(recursive=True)

    def await_children_gone(self) -> None:
        """Wait until nothing is left of what the run started."""
        await_condition(lambda: not [p for p in self.started if is_alive(p)], GONE_SECONDS)

    @property
    def document(self) -> dict[str, str]:
        """What stack.json says."""
        document: dict[str, str] = json.loads((self.folder / "stack.json").read_text())
        return document

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(self.process.communicate()[1])
        return (self.folder / "stack.json").exists()


class Developer:
    """Starts the stack in a folder of its own, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        self.output = folder / "output.txt"
        self.ports = Ports.free()
        self.environment = {
            **os.environ,
            "LOCAL_STATE_DIR": str(self.folder),
            **{f.name.upper(): str(getattr(self.ports, f.name)) for f in fields(Ports)},
        }
        self._runs: list[subprocess.Popen[str]] = []

    def start(self, *prefix: str, gateway: bool = False, **environment: str) -> Run:
        """Run `python -m local`, through the command `prefix` when there is one."""
        # Films take long, and every other part is there without them.
        options = ["--without-films"] if gateway else ["--without-films", "--without-gateway"]
        command = [*prefix, sys.executable, "-m", "local", *options]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**self.environment, **environment},
            stdout=self.output.open("w"),
            stderr=subprocess.PIPE,
            text=True,
        )
        self._runs.append(process)
        return Run(process, self.folder)

    def leave(self) -> None:
        """End what a failed test left running."""
        for process in self._runs:
            process.terminate()
            process.communicate(timeout=GONE_SECONDS)


@pytest.fixture
def developer(tmp_path: Path) -> Iterator[Developer]:
    """Return a developer, who tidies up."""
    developer = Developer(tmp_path)
    yield developer
    developer.leave()


def test_sigkill_leaves_no_orphan_and_loses_no_row(developer: Developer) -> None:
    """After SIGKILL every child ends, a new run starts at once, and committed rows are there."""
    first = developer.start(gateway=True)
    first.await_ready()
    number = random.randrange(10**6)
    with closing(database(first.document)) as connection:
        connection.run("CREATE TABLE kept AS SELECT CAST(:number AS integer) AS n", number=number)

    first.process.kill()
    first.process.wait()
    second = developer.start()
    first.await_children_gone()
    second.await_ready()

    with closing(database(second.document)) as connection:
        assert connection.run("SELECT n FROM kept") == [[number]]


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's own")
def test_no_orphan_when_the_guardian_dies_too(developer: Developer) -> None:
    """Even when the whole of our own Python is killed, the servers end."""
    run = developer.start()
    run.await_ready()
    for process in [p for p in run.started if "guardian.py" in " ".join(p.cmdline())]:
        process.kill()

    run.process.kill()

    run.await_children_gone()


def test_ends_with_its_parent(developer: Developer) -> None:
    """When `make` is killed, the stack notices and ends in order."""
    run = developer.start("sh", "-c", '"$@"; true', "sh", gateway=True)
    run.await_ready()

    run.process.kill()

    run.await_children_gone()
    assert not (developer.folder / "stack.json").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_stops_in_order(developer: Developer, number: signal.Signals, code: int) -> None:
    """A polite end takes a few seconds, leaves nothing behind, and prints no traceback."""
    run = developer.start(gateway=True)
    run.await_ready()

    run.process.send_signal(number)
    _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert run.process.returncode == code
    assert errors == ""
    assert developer.output.read_text().count("curl ") == 3
    run.await_children_gone()
    assert not (developer.folder / "stack.json").exists()


def test_stops_in_order_while_it_starts(developer: Developer) -> None:
    """Ctrl-C before all is ready is no different."""
    run = developer.start()
    await_condition((developer.folder / "environment.json").exists, READY_SECONDS)
    run.started = psutil.Process(run.process.pid).children(recursive=True)

    run.process.send_signal(signal.SIGINT)
    _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert (run.process.returncode, errors) == (130, "")
    run.await_children_gone()


def test_second_run_is_refused(developer: Developer) -> None:
    """Two runs never share a state folder; the second says so in one line and harms nothing."""
    first = developer.start()
    first.await_ready()

    second = developer.start()
    _, errors = second.process.communicate(timeout=GONE_SECONDS)

    assert second.process.returncode == 1
    assert errors.startswith("error: the stack of ")
    assert errors.count("\n") == 1
    assert str(first.process.pid) in errors
    assert first.process.poll() is None
    assert first.document["DATABASE_URL"]


@pytest.mark.parametrize("variable", ["API_PORT", "S3_PORT", "USER_SERVICE_PORT"])
def test_taken_port_is_one_line(developer: Developer, variable: str) -> None:
    """A taken port names itself and the variable that changes it."""
    port = int(developer.environment[variable])
    with socket.create_server(("127.0.0.1", port)):
        run = developer.start()
        _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert run.process.returncode == 1
    assert errors.startswith(f"error: port {port} ")
    assert f"{variable}={port + 1}" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("value", ["eighty", "0", "70000", "9000"])
def test_wrong_port_is_one_line(developer: Developer, value: str) -> None:
    """A port that is none, or that two servers want, is told in one line."""
    run = developer.start(API_PORT=value, S3_PORT="9000")
    _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert run.process.returncode == 1
    assert "API_PORT" in errors
    assert errors.count("\n") == 1


def test_crashed_server_comes_back(developer: Developer) -> None:
    """A crash of one server is told and mended; the others go on meanwhile."""
    run = developer.start()
    run.await_ready()
    port = developer.ports.redis_port
    crashed = next(p for p in run.started if "valkey" in p.name())

    crashed.kill()

    await_condition(lambda: not answers(port), GONE_SECONDS)
    assert answers(developer.ports.postgres_port)
    await_condition(lambda: "Redis is running again" in developer.output.read_text(), GONE_SECONDS)
    assert answers(port)
    assert "Redis ended unexpectedly" in developer.output.read_text()


def test_outage_lasts_as_long_as_its_file(developer: Developer) -> None:
    """A developer can take one server away for a while and look at the product without it."""
    run = developer.start()
    run.await_ready()
    port, switch = developer.ports.kafka_port, developer.folder / "down" / "kafka"

    switch.touch()
    await_condition(lambda: not answers(port), GONE_SECONDS)
    switch.unlink()

    await_condition(lambda: answers(port), GONE_SECONDS)


def await_condition(condition: Callable[[], Any], seconds: float) -> None:
    """Wait until `condition` holds, at most `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs; one that waits to be reaped does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def database(document: dict[str, str]) -> Any:
    """Connect to the database that stack.json names."""
    url = urlsplit(document["DATABASE_URL"])
    return pg8000.native.Connection(
        url.username or "",
        host=url.hostname or "",
        port=url.port or 0,
        database=url.path.lstrip("/"),
        password=url.password,
    )


def test_shell_of_a_developer_does_not_matter(developer: Developer) -> None:
    """Proxies, an AWS profile and a home folder that is not there keep nothing from starting."""
    run = developer.start(gateway=True, **SHELL)

    run.await_ready()

    answers = urllib.request.urlopen(f"{run.document['API_URL']}/health", timeout=30)
    with answers:
        assert answers.status == 200


def test_taken_ports_are_told_with_free_ones(developer: Developer) -> None:
    """One line names all ports that are taken, on [::1] as well, and a command that works."""
    with (
        socket.create_server(("127.0.0.1", developer.ports.redis_port)),
        socket.create_server(("::1", developer.ports.kafka_port), family=socket.AF_INET6),
    ):
        run = developer.start()
        assert run.process.wait(READY_SECONDS) == 1
        assert run.process.stderr is not None
        (line,) = run.process.stderr.read().splitlines()
        chosen = dict(re.findall(r"([A-Z]+_PORT)=(\d+)", line))
        assert chosen.keys() == {"REDIS_PORT", "KAFKA_PORT"}
        assert f"{developer.ports.redis_port} (redis)" in line
        assert f"{developer.ports.kafka_port} (kafka)" in line

        developer.start(**chosen).await_ready()
