"""`python -m local` for a developer: its processes, its exit codes, its one-line errors."""

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

from local.ports import Ports, is_free

ROOT = Path(__file__).parents[2]
# Bounds for what hangs, which a busy machine does not reach.
READY_SECONDS = 120
GONE_SECONDS = 60


# Variables of a developer's shell: a profile that does not exist, proxies that do not respond.
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
        """Wait for stack.json, and record the processes that run by then."""
        await_condition(self._is_ready, READY_SECONDS)
        self.started = psutil.Process(self.process.pid).children(recursive=True)

    def await_children_gone(self) -> None:
        """Wait until no process of the run remains."""
        await_condition(lambda: not [p for p in self.started if is_alive(p)], GONE_SECONDS)

    @property
    def document(self) -> dict[str, str]:
        """The contents of stack.json."""
        document: dict[str, str] = json.loads((self.folder / "stack.json").read_text())
        return document

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(self.process.communicate()[1])
        return (self.folder / "stack.json").exists()


class Developer:
    """Starts the stack in a new folder, on free ports."""

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
        """Run `python -m local`, optionally through the command `prefix`."""
        # Films take long, and the tests need only the other parts.
        options = ["--without-films"] if gateway else ["--without-films", "--without-gateway"]
        command = [*prefix, sys.executable, "-m", "local", *options]
        with self.output.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )
        self._runs.append(process)
        return Run(process, self.folder)

    def leave(self) -> None:
        """End the processes that a failed test left running."""
        for process in self._runs:
            process.terminate()
            process.communicate(timeout=GONE_SECONDS)


@pytest.fixture
def developer(tmp_path: Path) -> Iterator[Developer]:
    """Return a developer whose processes are ended after the test."""
    developer = Developer(tmp_path)
    yield developer
    developer.leave()


def test_sigkill_leaves_no_orphan_and_loses_no_row(developer: Developer) -> None:
    """After SIGKILL every child ends, a new run starts immediately, and committed rows exist."""
    first = developer.start(gateway=True)
    first.await_ready()
    number = random.randrange(10**6)
    with closing(database(first.document)) as connection:
        connection.run("CREATE TABLE kept AS SELECT CAST(:number AS integer) AS n", number=number)

    first.process.kill()
    first.process.wait()
    # The second run is ready when it has written its own.
    (developer.folder / "stack.json").unlink()
    second = developer.start()
    first.await_children_gone()
    second.await_ready()

    with closing(database(second.document)) as connection:
        assert connection.run("SELECT n FROM kept") == [[number]]


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's own")
def test_no_orphan_when_the_guardian_dies_too(developer: Developer) -> None:
    """If all our Python processes are killed, the servers also end."""
    run = developer.start()
    run.await_ready()
    for process in [p for p in run.started if "guardian.py" in " ".join(p.cmdline())]:
        process.kill()

    run.process.kill()

    run.await_children_gone()


def test_ends_with_its_parent(developer: Developer) -> None:
    """If `make` is killed, the stack detects it and shuts down in order."""
    run = developer.start("sh", "-c", '"$@"; true', "sh", gateway=True)
    run.await_ready()

    run.process.kill()

    run.await_children_gone()
    assert not (developer.folder / "stack.json").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_stops_in_order(developer: Developer, number: signal.Signals, code: int) -> None:
    """SIGINT and SIGTERM end the run in a few seconds, without leftovers or a traceback."""
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
    """Ctrl-C during the start has the same effect."""
    run = developer.start()
    await_condition((developer.folder / "environment.json").exists, READY_SECONDS)
    run.started = psutil.Process(run.process.pid).children(recursive=True)

    run.process.send_signal(signal.SIGINT)
    _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert (run.process.returncode, errors) == (130, "")
    run.await_children_gone()


def test_second_run_is_refused(developer: Developer) -> None:
    """Two runs never share a state folder; the second reports it in a line and changes nothing."""
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
    """The message about a used port names the port and the variable that changes it."""
    port = int(developer.environment[variable])
    own = {int(developer.environment[field.name.upper()]) for field in fields(Ports)}
    with socket.create_server(("127.0.0.1", port)):
        free = next(each for each in range(port + 1, 65536) if each not in own and is_free(each))
        run = developer.start()
        _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert run.process.returncode == 1
    assert errors.startswith(f"error: port {port} ")
    assert f"{variable}={free}" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("value", ["eighty", "0", "70000", "9000"])
def test_wrong_port_is_one_line(developer: Developer, value: str) -> None:
    """An invalid port, or one used for two servers, is reported in one line."""
    run = developer.start(API_PORT=value, S3_PORT="9000")
    _, errors = run.process.communicate(timeout=GONE_SECONDS)

    assert run.process.returncode == 1
    assert "API_PORT" in errors
    assert errors.count("\n") == 1


def test_crashed_server_comes_back(developer: Developer) -> None:
    """A crash of one server is reported and the server restarted; the others keep running."""
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
    """A developer can stop one server for a while and use the product without it."""
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
        assert time.monotonic() < deadline, f"the condition was false for {seconds} s"
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process still runs; zombies do not count."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def answers(port: int) -> bool:
    """Return whether a process listens on a port."""
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
    """Proxies, an AWS profile and a missing home folder do not prevent a start."""
    run = developer.start(gateway=True, **SHELL)

    run.await_ready()

    answers = urllib.request.urlopen(f"{run.document['API_URL']}/health", timeout=30)
    with answers:
        assert answers.status == 200


def test_taken_ports_are_told_with_free_ones(developer: Developer) -> None:
    """One line names all used ports, including those on [::1], and a command that works."""
    with (
        socket.create_server(("127.0.0.1", developer.ports.redis_port)),
        socket.create_server(("::1", developer.ports.kafka_port), family=socket.AF_INET6),
    ):
        run = developer.start()
        assert run.process.wait(READY_SECONDS) == 1
        assert run.process.stderr is not None
        (line,) = run.process.stderr.read().splitlines()
        chosen = dict(re.findall(r"(\w+_PORT)=(\d+)", line))
        kept = {name: port for name, port in chosen.items() if developer.environment[name] == port}
        assert chosen.keys() - kept.keys() == {"REDIS_PORT", "KAFKA_PORT"}
        assert f"{developer.ports.redis_port} (redis)" in line
        assert f"{developer.ports.kafka_port} (kafka)" in line

        developer.start(**chosen).await_ready()
