"""A film, and where it is published to."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Protocol

import pytest

from local.environment import BUCKET
from local.stack import Stack
from tests.e2e.publish.ffmpeg import ffmpeg
from tests.support.publishing import shell
from tools.publish.__main__ import main
from tools.publish.destination import Destination

SECONDS = 6
CUES = """\
1
00:00:01,000 --> 00:00:02,500
Guten Tag

2
00:00:04,000 --> 00:01:30,000
Auf Wiedersehen
"""


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An mp4 with picture, two languages, subtitles, and special characters in its name."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "cues.srt").write_text(CUES)
    path = folder / '-it\'s a "film": $1.mp4'
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=854x480:r=24000/1001:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=330:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=660:d={SECONDS - 2}"),
        *("-i", str(folder / "cues.srt"), "-map", "0", "-map", "1", "-map", "2", "-map", "3"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-c:s", "mov_text"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"),
        *("-metadata:s:s:0", "language=ger", "-disposition:a:0", "0"),
        *("-disposition:a:1", "default", f"file:{path}"),
    )
    return path


@pytest.fixture
def destination(stack: Stack) -> Destination:
    """The stack's bucket, with the key that may write to it."""
    return Destination(BUCKET, stack.s3.admin_client)


@pytest.fixture
def environment_of(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment variables of a developer's shell for this stack."""
    (tmp_path / "temporary").mkdir()
    return {
        **shell(),
        "LOCAL_STATE_DIR": str(stack.state.folder),
        "TMPDIR": str(tmp_path / "temporary"),
    }


class PublishHere(Protocol):
    """Runs the command line with these environment variables."""

    def __call__(self, *arguments: str, environment: Mapping[str, str]) -> CompletedProcess[str]:
        """Return the exit code and the output."""


@pytest.fixture
def publish_here(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[PublishHere]:
    """Runs the command line in this process, which has imported everything already."""

    def publish(*arguments: str, environment: Mapping[str, str]) -> CompletedProcess[str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main(["--preset=ultrafast", *arguments])
        return CompletedProcess(arguments, code, *capfd.readouterr())

    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in handled}
    yield publish
    for number, handler in handlers.items():
        signal.signal(number, handler)
