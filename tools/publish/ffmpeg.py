"""Runs ffmpeg from its wheel, reports its progress, and always ends its process."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tools.publish.errors import PublishError

OnSeconds = Callable[[float], None]

_OUT_TIME = re.compile(rb"out_time_us=(\d+)")
_ERROR = re.compile(r"\[(?:error|fatal|panic)\]")
_EMPTY_PHRASES = re.compile(
    "Conversion failed!|Nothing was written|Task finished|Terminating thread|Error sending frames"
    "|Could not open encoder|Error reinitializing"
)


@dataclass(frozen=True, slots=True)
class Finished:
    """The seconds of film written, and the logs of ffmpeg and of the process that fed it."""

    seconds: float
    log: str
    fed_log: str = ""


def program() -> str:
    """Return the path of ffmpeg; the wheel has no ffprobe."""
    from imageio_ffmpeg import get_ffmpeg_exe

    path: str = get_ffmpeg_exe()
    return path


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    on_seconds: OnSeconds = lambda _: None,
    fed_by: Sequence[str] | None = None,
) -> "Finished":
    """Run ffmpeg to its end.

    `on_seconds` is called with the seconds written so far. `fed_by` are the arguments of another
    ffmpeg whose standard output this one reads. Raises `PublishError` with the reason from the log
    if either fails.
    """
    if fed_by is None:
        return _run(arguments, cwd, on_seconds, subprocess.DEVNULL)
    with tempfile.TemporaryFile() as log:
        feeding = _started(fed_by, cwd, subprocess.DEVNULL, log)
        try:
            assert feeding.stdout is not None
            result = _run(arguments, cwd, on_seconds, feeding.stdout)
        except PublishError:
            _raise_for(feeding, log)
            raise
        else:
            _raise_for(feeding, log)
            return replace(result, fed_log=_text_of(log))
        finally:
            _end(feeding)


def _raise_for(feeding: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
    """Raise `PublishError` if this process failed, unless its reader ended first."""
    assert feeding.stdout is not None
    feeding.stdout.close()
    code, text = feeding.wait(), _text_of(log)
    if code != 0 and "Broken pipe" not in text:
        raise PublishError(f"ffmpeg failed: {reason(text)}")


def _run(
    arguments: Sequence[str], cwd: Path, on_seconds: OnSeconds, given: int | IO[bytes]
) -> "Finished":
    seconds = 0.0
    with tempfile.TemporaryFile() as log:
        process = _started(["-progress", "pipe:1", *arguments], cwd, given, log)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _OUT_TIME.match(line):
                    seconds = max(seconds, int(match[1]) / 1e6)
                    on_seconds(seconds)
            code = process.wait()
        finally:
            _end(process)
        text = _text_of(log)
    if code != 0:
        raise PublishError(f"ffmpeg failed: {reason(text)}")
    return Finished(seconds, text)


def _started(
    arguments: Sequence[str], cwd: Path, given: int | IO[bytes], log: IO[bytes]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [program(), "-nostdin", "-hide_banner", "-nostats", *arguments],
        cwd=cwd,
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=log,
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    if process.stdout is not None:
        process.stdout.close()
    process.wait()


def _text_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")


def reason(log: str) -> str:
    """Return the most informative line of a log: the last error, or else the last line."""
    lines = log.splitlines()
    errors = [line for line in lines if _ERROR.search(line)] or lines
    plain = [re.sub(r"^(\[[^\]]*\] ?)+", "", line).strip() for line in errors]
    told = [line for line in plain if line and not _EMPTY_PHRASES.match(line)]
    return told[-1] if told else "its log has no reason"
