"""What cannot be published is told in one line before the work, and leaves nothing behind."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from local.environment import BUCKET
from local.stack import Stack
from tests.e2e.publish.conftest import PublishHere
from tests.e2e.publish.ffmpeg import ffmpeg
from tests.support.other_servers import require_embedded_s3
from tests.support.publishing import ROOT, objects
from tools.publish.destination import Destination


def test_interrupted_encoding(
    destination: Destination, environment_of: dict[str, str], tmp_path: Path
) -> None:
    """Ctrl-C during the encoding also ends ffmpeg, and leaves no file and no object."""
    movie_id = uuid4()
    short_film, long_film = tmp_path / "short.mp4", tmp_path / "long.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=640x360:r=24:d=4", "-c:v", "libx264"),
        *("-preset", "ultrafast", str(short_film)),
    )
    ffmpeg("-stream_loop", "14", "-i", str(short_film), "-c", "copy", str(long_film))
    command = [sys.executable, "-m", "tools.publish", f"--movie-id={movie_id}"]
    process = subprocess.Popen(
        [*command, str(long_film)],
        env=environment_of,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "640x360" in process.stderr.readline()
    assert "Encoding" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert out == ""
    assert told.endswith("error: interrupted; the bucket is unchanged\n")
    assert not list(Path(environment_of["TMPDIR"]).iterdir())
    assert not objects(destination, movie_id)


def test_a_key_that_may_not_write_is_told_before_the_work(
    stack: Stack, environment_of: dict[str, str], publish_here: PublishHere, film: Path
) -> None:
    """A key without write permission is reported before the encoding."""
    require_embedded_s3(stack)
    keys = stack.state.credentials
    run = publish_here(
        *(f"--bucket={BUCKET}", f"--endpoint-url={stack.s3.endpoint_url}", "--", str(film)),
        environment={
            **environment_of,
            "AWS_ACCESS_KEY_ID": keys.s3_service_access_key,
            "AWS_SECRET_ACCESS_KEY": keys.s3_service_secret_key,
        },
    )

    assert run.returncode == 1
    assert "refuses" in run.stderr
    assert "Encoding" not in run.stderr


def test_half_a_film_is_refused_unless_it_is_wanted(
    destination: Destination,
    environment_of: dict[str, str],
    publish_here: PublishHere,
    tmp_path: Path,
) -> None:
    """An incomplete download is published only with the option for incomplete files."""
    movie_id, whole, half = uuid4(), tmp_path / "whole.mp4", tmp_path / "half.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-movflags", "+faststart", str(whole)),
    )
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    refused = publish_here(f"--movie-id={movie_id}", str(half), environment=environment_of)

    assert refused.returncode == 1
    assert "the file is incomplete" in refused.stderr
    assert not objects(destination, movie_id)
    wanted = publish_here(
        "--incomplete", f"--movie-id={movie_id}", str(half), environment=environment_of
    )
    assert wanted.returncode == 0, wanted.stderr
    assert "Warning: the file is incomplete" in wanted.stderr
    assert "index.m3u8" in objects(destination, movie_id)


def test_no_server(environment_of: dict[str, str], publish_here: PublishHere, film: Path) -> None:
    """A bucket that does not respond is reported in one line, before the encoding."""
    run = publish_here(
        *("--bucket=films", "--endpoint-url=http://127.0.0.1:9", "--", str(film)),
        environment={**environment_of, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
    )

    assert run.returncode == 1
    assert run.stderr.startswith("error: bucket films: Could not connect")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.mp4", None, "No such file or directory"),
        ("empty.mp4", b"", "ffmpeg cannot read it"),
        ("text.mp4", b"This is no film.", "ffmpeg cannot read it"),
    ],
)
def test_bad_file(
    environment_of: dict[str, str],
    publish_here: PublishHere,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    told: str,
) -> None:
    """A file that is not a film is rejected in one clear line that names it."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    run = publish_here(str(path), environment=environment_of)

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"error: {path}: ")
    assert told in run.stderr
    assert run.stderr.count("\n") == 1


def test_no_video(
    environment_of: dict[str, str], publish_here: PublishHere, tmp_path: Path
) -> None:
    """A file with only audio is rejected in one clear line."""
    path = tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", str(path))

    run = publish_here(str(path), environment=environment_of)

    assert run.returncode == 1
    assert run.stderr == f"error: {path}: there is no video in it\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--movie-id=../../etc", "film.mp4"], "error: MOVIE_ID '../../etc' is not a UUID\n"),
        ([""], "error: name the film: make publish FILE=film.mp4\n"),
    ],
)
def test_bad_arguments(
    environment_of: dict[str, str], publish_here: PublishHere, arguments: list[str], told: str
) -> None:
    """An invalid MOVIE_ID and a missing FILE are reported in one line."""
    run = publish_here(*arguments, environment=environment_of)

    assert (run.returncode, run.stderr) == (1, told)
