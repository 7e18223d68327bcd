"""A new developer on a minimal system: clones, runs the README's commands, checks the results.

Runs inside the system, with its Python's standard library: `python3 visitor.py CHECKOUT STEP...`.
"""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

LOG = Path.home() / "run.log"
READY = "Ctrl-C stops everything."
SET_UP_SECONDS = 900
URL = re.compile(r"^https?://.*", re.MULTILINE)


def say(text: str) -> None:
    """Report progress to the test."""
    print(f"visitor: {text}", flush=True)


def shell(command: str, seconds: float = 120) -> str:
    """Run a command as a terminal does; return its output, exit if it fails."""
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{command}\n{done.stdout[-40_000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def clone(checkout: str) -> None:
    """Clone the project, and change to its folder."""
    # The repository to clone belongs to another user.
    shell("git config --global --add safe.directory '*'")
    if not Path(checkout).exists():
        shell(f'git clone -q /src "{checkout}"')
    os.chdir(checkout)


class Run:
    """One `make run` in a separate terminal."""

    def __init__(self, command: str, **environment: str) -> None:
        with LOG.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                shell=True,
                start_new_session=True,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )

    @property
    def told(self) -> str:
        """The output so far."""
        return LOG.read_text(errors="replace")

    def await_ready(self) -> None:
        """Wait until it reports that it is ready."""
        ends_at = time.monotonic() + SET_UP_SECONDS
        while READY not in self.told:
            if self.process.poll() is not None:
                sys.exit(f"it ended with {self.process.returncode}:\n{self.told[-3000:]}")
            if time.monotonic() > ends_at:
                sys.exit(f"it is not ready:\n{self.told[-3000:]}")
            time.sleep(0.1)

    def press_ctrl_c(self) -> None:
        """End it with Ctrl-C; it shuts down in order and without errors."""
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(60)
        # make, which is interrupted too, may end by the signal.
        is_quiet = not any(word in self.told for word in ("Error", "Traceback", "error:"))
        if code not in (0, -signal.SIGINT) or not is_quiet:
            sys.exit(f"after Ctrl-C it ended with {code}:\n{self.told[-3000:]}")


def play(told: str) -> None:
    """Run each printed command; load the manifest, a playlist and a segment."""
    lines = [line for line in told.splitlines() if line.startswith("curl ")]
    answers = [json.loads(shell(line)) for line in lines]
    told_where = len(answers) == 3 and "manifest_url" in answers[0]
    if not told_where or answers[2].get("position_seconds") != 12:
        sys.exit(f"the printed commands answer {answers}")
    playlist = load(answers[0]["manifest_url"]).decode()
    while (content := load(URL.findall(playlist)[0]))[:7] == b"#EXTM3U":
        playlist = content.decode()
    if len(content) < 1000:
        sys.exit("a segment is empty")
    say(f"the film starts, plays ({len(content)} bytes) and its position is saved")


def load(url: str) -> bytes:
    """Load a URL without proxies."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        body: bytes = answer.read()
        is_compressed = answer.headers.get("Content-Encoding") == "gzip"
        return gzip.decompress(body) if is_compressed else body


def killed_set_up(command: str) -> None:
    """Kill the set-up during the installation, as a lost connection does."""
    for seconds in (8, 4, 2, 1, 0.5):
        run = Run(command)
        ends_at = time.monotonic() + 300
        while "Installing the packages" not in run.told and time.monotonic() < ends_at:
            time.sleep(0.05)
        time.sleep(seconds)
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
        if not Path(".venv").exists():
            sys.exit(f"nothing was installed before the kill:\n{run.told[-3000:]}")
        # make creates this file after the last package.
        if not list(Path(".venv").glob("*/.installed")):
            say("the set-up is killed before it has ended")
            return
        shutil.rmtree(".venv")
    sys.exit("each set-up ended before it was killed")


def main() -> None:
    """Execute the steps that the command line names."""
    checkout, run_command, *steps = sys.argv[1:]
    clone(checkout)
    for step in steps:
        say(step)
        if step == "killed set-up":
            killed_set_up(run_command)
        elif step == "set up":
            shell("make setup", SET_UP_SECONDS)
        elif step == "test":
            out = shell(f"{os.environ['TEST_COMMAND']} 2>&1", 3600)
            say(out.strip().splitlines()[-1])
        else:
            proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"}
            run = Run(run_command, **(proxies if step == "run with a proxy" else {}))
            run.await_ready()
            play(run.told)
            run.press_ctrl_c()
    say("all is well")


if __name__ == "__main__":
    main()
