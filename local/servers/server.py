"""The base class of all servers: a child process with a port, a log and a readiness check."""

import contextlib
import os
import select
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.disk import NO_SPACE
from local.errors import LocalError
from local.state import State

READY_SECONDS = 30.0
STOP_SECONDS = 3.0


class NotReadyError(Exception):
    """A server does not answer yet."""


class Server(ABC):
    """Runs one server; `start` returns when the server answers a client of its protocol."""

    name: str
    title: str
    stop_signal = signal.SIGINT
    # Marks the log line that has the reason for an exit; empty: the last line has it.
    reason_marker = ""

    def __init__(self, port: int, state: State) -> None:
        self.port = port
        self.log = state.logs / f"{self.name}.log"
        self._group = state.group
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._life = -1

    @abstractmethod
    def launch(self) -> None:
        """Start the process and return at once. Raises `LocalError` if it is already running."""

    @abstractmethod
    def check(self) -> None:
        """Send one request; raise `NotReadyError` or `OSError` if the server is not ready."""

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Set up the running server before its first use."""

    def await_ready(self) -> None:
        """Wait until the server answers, at most READY_SECONDS, then prepare it.

        Raises `LocalError` if the server ends or does not answer in time.
        """
        await_condition(self.check, failed=self._end, what=self.name)
        self.prepare()

    def start(self) -> None:
        """Start the server on its port and wait until it is ready. Raises `LocalError`."""
        self.launch()
        self.await_ready()

    def ask_to_stop(self) -> None:
        """Send the signal for an orderly shutdown and return at once."""
        self._wanted = False
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Stop the server in order; kill it after STOP_SECONDS."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._await_descendants()
        self.clean_up()

    def kill(self) -> None:
        """Kill the server, which simulates a crash, and wait for its end."""
        self._wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._await_descendants()

    def restart(self) -> None:
        """Stop the server and start it again on the same port. Raises `LocalError`."""
        self.stop()
        self.start()

    def clean_up(self) -> None:  # noqa: B027 - most leave nothing
        """Remove the stopped server's files outside its own folder."""

    @property
    def pid(self) -> int | None:
        """The process id, or None if the server is not running."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def crashed(self) -> bool:
        """Whether the process ended without `stop` or `kill`."""
        return self._wanted and not self.running

    def _spawn(
        self,
        command: Sequence[str],
        *,
        cwd: Path | str = "/",
        environment: Mapping[str, str] | None = None,
        user: int = 0,
    ) -> None:
        if self.running:
            raise LocalError(f"{self.name} is already running")
        self._await_descendants()
        self._life, held = os.pipe()
        try:
            with self.log.open("ab") as log:
                self._process = self._group.spawn(
                    command,
                    log=log,
                    cwd=cwd,
                    environment=environment,
                    user=user,
                    inherited=[held],
                )
        finally:
            os.close(held)
        self._wanted = True

    def _await_descendants(self) -> None:
        """Wait until the child processes of a killed server have ended, at most STOP_SECONDS."""
        # They all inherit the write end of the pipe: the read end hangs up when the last one ends.
        if self._life >= 0:
            poll = select.poll()
            poll.register(self._life, select.POLLIN)
            poll.poll(STOP_SECONDS * 1000)
            os.close(self._life)
            self._life = -1

    def _end(self) -> str | None:
        if self.running or self._process is None:
            return None
        reason = last_line(self.log, self.reason_marker)
        return f"{self.name} ended with {self._process.returncode}: {reason} ({self.log})"


def await_condition(
    check: Callable[[], None],
    *,
    what: str,
    failed: Callable[[], str | None] = lambda: None,
    seconds: float = READY_SECONDS,
) -> None:
    """Repeat `check` until it raises neither `NotReadyError` nor `OSError`.

    Raises `LocalError` after `seconds`, or as soon as `failed` returns a reason.
    """
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        try:
            check()
            return
        except (NotReadyError, OSError) as error:
            reason = failed()
            if reason is not None:
                raise LocalError(reason) from None
            if time.monotonic() > deadline:
                raise LocalError(f"{what} does not answer after {seconds:.0f} s: {error}") from None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def last_line(log: Path, marker: str = "") -> str:
    """Return the last line of a log that is not empty, preferably one with ``marker``.

    A line about a full disk takes precedence, because a full disk causes the later errors.
    """
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        for wanted in (NO_SPACE, marker, ""):
            if found := [line for line in lines if wanted in line]:
                return found[-1].strip()
    return "no output"
