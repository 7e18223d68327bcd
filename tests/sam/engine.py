"""A container engine for SAM's containers: the machine's own, or one only for the tests."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from local.errors import LocalError
from local.servers.server import NotReadyError, await_condition

_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30
_BRIDGE = "docker0"


class NoEngine(Exception):
    """Return why containers are not available."""


@dataclass(frozen=True)
class Engine:
    """A container engine that responds.

    Args:
        host: The value of DOCKER_HOST.
        is_ours: Whether it runs only for the tests, and everything in it is removed with it.
    """

    host: str
    is_ours: bool

    def run(self, *arguments: str, seconds: float = 120) -> str:
        """Run a command of the engine, and return its output.

        Raises:
            LocalError: It failed, or took longer than ``seconds``.
        """
        return _docker(["--host", self.host, *arguments], seconds)

    @property
    def bridge_address(self) -> str:
        """The address by which containers reach this machine."""
        question = "{{json (index .IPAM.Config 0)}}"
        network = json.loads(self.run("network", "inspect", "bridge", "--format", question))
        # An engine without a configured address names none, and uses the first.
        first = next(ip_network(network["Subnet"]).hosts())
        return str(network.get("Gateway") or first)


@contextlib.contextmanager
def container_engine(log: Path) -> Iterator[Engine]:
    """Yield the engine; one that was started for the tests logs to ``log`` and ends afterwards.

    Raises:
        NoEngine: None responds, and none can be started.
    """
    if not shutil.which("docker"):
        raise NoEngine("there is no docker command")
    running = _running_engine()
    if running is not None:
        yield running
        return
    if os.geteuid() != 0:
        raise NoEngine("no container engine responds, and only root can start one")
    if not shutil.which("dockerd"):
        raise NoEngine("no container engine responds, and there is no dockerd to start")
    with _own_engine(log) as engine:
        yield engine


def _running_engine() -> Engine | None:
    question = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    try:
        engine = Engine(os.environ.get("DOCKER_HOST") or _docker(question).strip(), is_ours=False)
        _check(engine)
    except (LocalError, NotReadyError):
        return None
    return engine


@contextlib.contextmanager
def _own_engine(log: Path) -> Iterator[Engine]:
    # SAM builds its image again for each call, which takes several times as long on a disk.
    room = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else None
    had_bridge = _has_bridge()
    with tempfile.TemporaryDirectory(prefix="streaming-engine-", dir=room) as name:
        folder = Path(name)
        engine = Engine(f"unix://{folder}/docker.sock", is_ours=True)
        places = {"data-root": "data", "exec-root": "run", "pidfile": "docker.pid"}
        options = [f"--{option}={folder / name}" for option, name in places.items()]
        # Containers access only this machine, so its firewall and routes are not changed.
        options += ["--iptables=false", "--ip-masq=false", "--ip-forward=false"]
        with log.open("wb") as output:
            daemon = subprocess.Popen(
                ["dockerd", "--host", engine.host, *options], stdout=output, stderr=output
            )
        try:
            await_condition(
                lambda: _check(engine),
                what=f"dockerd ({log})",
                failed=lambda: None if daemon.poll() is None else f"dockerd ended: {log}",
                seconds=60,
            )
            yield engine
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
            if not had_bridge and _has_bridge():
                subprocess.run(["ip", "link", "delete", _BRIDGE], check=False)


def _has_bridge() -> bool:
    return Path("/sys/class/net", _BRIDGE).exists()


def _check(engine: Engine) -> None:
    try:
        engine.run("version", "--format", "{{.Server.Version}}", seconds=20)
    except LocalError as error:
        raise NotReadyError(str(error)) from None


def _docker(arguments: Sequence[str], seconds: float = 20) -> str:
    command = ["docker", *arguments]
    try:
        completed = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(str(error)) from None
    if completed.returncode != 0:
        raise LocalError(f"{' '.join(command)}: {completed.stderr.strip()}")
    return completed.stdout
