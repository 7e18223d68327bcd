"""Running ffmpeg: from the wheel, with its progress, and never left behind."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.publish.errors import PublishError

OnSeconds = Callable[[float], None]

_OUT_TIME = re.compile(rb"out_time_us=(\d+)")
_EMPTY_PHRASES = re.compile(
    "Conversion failed!|Nothing was written|Task finished|Terminating thread|Error sending frames"
)


def program() -> str:
    """Return the path of ffmpeg; the wheel has no ffprobe beside it."""
    from imageio_ffmpeg import get_ffmpeg_exe

    path: str = get_ffmpeg_exe()
    return path


def local_input(path: Path) -> list[str]:
    """Return the options that read `path` as a file, whatever its name looks like."""
    return ["-protocol_whitelist", "file", "-i", f"file:{path.absolute()}"]


def run(
    arguments: Sequence[str], *, cwd: Path, on_seconds: OnSeconds = lambda _: None
) -> tuple[float, str]:
    """Run ffmpeg to its end; return how many seconds of film it wrote, and its log.

    `on_seconds` hears the seconds written so far. Raises `PublishError` with the log's last line
    when ffmpeg fails.
    """
    command = [program(), "-nostdin", "-hide_banner", "-nostats", "-progress", "pipe:1", *arguments]
    seconds = 0.0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _OUT_TIME.match(line):
                    seconds = max(seconds, int(match[1]) / 1e6)
                    on_seconds(seconds)
            code = process.wait()
        finally:
            process.kill()
            process.communicate()
        log.seek(0)
        text = log.read().decode(errors="replace")
    if code != 0:
        raise PublishError(f"ffmpeg failed: {reason(text)}")
    return seconds, text


def reason(log: str) -> str:
    """Return the line of a log that tells best what went wrong."""
    lines = [re.sub(r"^(\[[^\]]*\] ?)+", "", line).strip() for line in log.splitlines()]
    told = [line for line in lines if line and not _EMPTY_PHRASES.match(line)]
    return told[-1] if told else "it does not say why"
