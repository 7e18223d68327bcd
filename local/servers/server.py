"""What all servers share: a child process, a port, a log, a start that ends when it answers."""

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
    """Tell that a server does not answer yet."""


class Server(ABC):
    """Run one server; `start` returns once a client of its protocol got an answer."""

    name: str
    title: str
    stop_signal = signal.SIGINT
    # What a line of the log has that says why the server ended; empty: it is the last line.
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
        """Start the process and return at once."""

    @abstractmethod
    def check(self) -> None:
        """Ask for one answer; raise `NotReadyError` or `OSError` when there is none yet."""

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Do what has to be done on the running server before it serves us."""

    def await_ready(self) -> None:
        """Wait until the server answers, at most READY_SECONDS, then prepare it."""
        await_condition(self.check, failed=self._end, what=self.name)
        self.prepare()

    def start(self) -> None:
        """Bring the server up, on the port that it always had."""
        self.launch()
        self.await_ready()

    def ask_to_stop(self) -> None:
        """Send the polite signal and return at once."""
        self._wanted = False
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """End the server in order, by force after STOP_SECONDS."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._await_descendants()
        self.clean_up()

    def kill(self) -> None:
        """End the server as a crash would."""
        self._wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._await_descendants()

    def restart(self) -> None:
        """Stop the server and bring it back on the same port."""
        self.stop()
        self.start()

    def clean_up(self) -> None:  # noqa: B027 - most leave nothing
        """Remove what the stopped server left outside its own folder."""

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def crashed(self) -> bool:
        """Whether the process ended although nobody stopped it."""
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
        """Wait until the processes that a killed server left behind have noticed, and ended."""
        # Nobody writes into the pipe that they all inherit: it becomes readable with the last end.
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
    """Repeat `check` until it raises nothing, at most `seconds`, or until `failed` says why."""
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
    """Return the last line of a log that says something: that has ``marker``, if one does.

    A full disk is the reason for whatever comes after it.
    """
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        for wanted in (NO_SPACE, marker, ""):
            if found := [line for line in lines if wanted in line]:
                return found[-1].strip()
    return "no output"
