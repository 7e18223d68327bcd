"""Runs ffmpeg for its log, which tells what a film contains."""

import subprocess

import imageio_ffmpeg


def ffmpeg(*arguments: str) -> str:
    """Run ffmpeg, which must succeed; return its log."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", *arguments]
    run = subprocess.run(command, capture_output=True, timeout=120, check=False)
    log = run.stderr.decode(errors="replace")
    assert run.returncode == 0, log[-2000:]
    return log
