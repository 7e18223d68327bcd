"""The gateway ends with all that it started, and says in one line why it cannot start."""

import http.client
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.gateway.gateway_process import ROOT, GatewayProcess, is_running
from tests.support.waiting import eventually


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_gateway_and_workers_quietly(own: GatewayProcess, number: int) -> None:
    """Ctrl-C and SIGTERM end everything, with status 0 and no traceback."""
    worker = own("GET", "/open/x").json()["pid"]
    assert own.stop(number) == 0
    assert not is_running(worker)
    assert "Traceback" not in own.text


@pytest.mark.parametrize("busy", [False, True])
def test_killed_gateway_leaves_no_orphans(own: GatewayProcess, busy: bool) -> None:  # noqa: FBT001
    """SIGKILL of the gateway also ends its workers, even during an event."""
    workers = [own("GET", "/open/x").json()["pid"], own.behave("nothing").json()["pid"]]
    with ThreadPoolExecutor(1) as threads:
        if busy:
            started = own.folder / "started"
            request = threads.submit(own.behave, "hang", file=str(started))
            eventually(started.exists)
        own.stop(signal.SIGKILL)
        if busy:
            assert isinstance(request.exception(10), OSError | http.client.HTTPException)
    eventually(lambda: not any(is_running(pid) for pid in workers), seconds=3)


def test_gateway_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A gateway whose parent was killed ends."""
    gateway = GatewayProcess(tmp_path)
    parent = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid); p.wait()"
    gateway.start([sys.executable, "-c", parent, *gateway.command])
    try:
        worker = gateway("GET", "/open/x").json()["pid"]
    finally:
        gateway.process.kill()
        gateway.process.wait()
    eventually(lambda: not is_running(worker), seconds=10)

    def refused() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", gateway.port)) != 0

    eventually(refused, seconds=10)


def test_signal_does_not_wait_for_a_hanging_function(own: GatewayProcess) -> None:
    """Ctrl-C during a long event: the client gets 503 soon, and there is no traceback."""
    template = own.folder / "template.yaml"
    template.write_text(template.read_text().replace("Timeout: 1\n", "Timeout: 60\n"))
    own.stop()
    own.start()
    started = own.folder / "started"
    with ThreadPoolExecutor(1) as threads:
        request = threads.submit(own.behave, "hang", file=str(started))
        eventually(started.exists)
        assert own.stop(signal.SIGINT) == 0
        assert request.result().status == 503
    assert "Traceback" not in own.text


def test_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    """A port in use: status 1 and one line that names it."""
    gateway = GatewayProcess(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        gateway.port = other.getsockname()[1]
        ended = subprocess.run(
            gateway.command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{gateway.port}: Address already in use" in ended.stderr


def test_unsupported_template_is_one_clear_line(tmp_path: Path) -> None:
    """An unsupported property: status 1 and one line with resource and property."""
    gateway = GatewayProcess(tmp_path)
    template = tmp_path / "template.yaml"
    template.write_text(template.read_text().replace("Timeout: 1", "Colour: red"))
    ended = subprocess.run(
        gateway.command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == "gateway: BehaveFunction: the local gateway does not support Colour\n"
