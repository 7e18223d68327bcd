"""Text subtitles as WebVTT, which every player reads."""

import re
from collections.abc import Sequence
from pathlib import Path

from tools.publish import ffmpeg
from tools.publish.probe import Source, Track

_TIMING = re.compile(r"^([\d:.]+) --> (?:(\d+):)?(\d\d):(\d\d\.\d{3})", re.MULTILINE)


def extract(source: Source, outputs: Sequence[tuple[Track, Path]], *, seconds: float) -> None:
    """Write text tracks as WebVTT, no cue longer than the film. Raises `PublishError`."""
    arguments = ["-loglevel", "error", *ffmpeg.local_input(source.path)]
    for track, path in outputs:
        arguments += ["-map", f"0:{track.index}", "-c:s", "webvtt", "-t", f"{seconds:.3f}"]
        arguments += ["-f", "webvtt", str(path.absolute())]
    if outputs:
        ffmpeg.run(arguments, cwd=outputs[0][1].parent)
    for _, path in outputs:
        path.write_text(end_cues(path.read_text("utf-8"), seconds), "utf-8")


def end_cues(text: str, seconds: float) -> str:
    """Let the cues that would outlast the film end with it; players take them for its length."""

    def shortened(timing: re.Match[str]) -> str:
        hours, minutes, rest = timing.groups()[1:]
        end = int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)
        return timing[0] if end <= seconds else f"{timing[1]} --> {_time(seconds)}"

    return _TIMING.sub(shortened, text)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
