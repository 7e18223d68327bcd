"""The demo films: made on the spot by ffmpeg, so that the repository carries no video.

One is what a modern packager writes (two renditions, HLS and DASH over the same fMP4 segments), the
other is the classic layout of MPEG-TS segments beside one playlist. Run as `python -m
local.demo_film FOLDER`; a film that is already there is kept, and one that was interrupted starts
over.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FRAMES_PER_SECOND = 24
SEGMENT_SECONDS = 4


@dataclass(frozen=True)
class DemoFilm:
    """A film, its place in the bucket, and how ffmpeg makes it."""

    movie_id: str
    title: str
    manifest_types: tuple[str, ...]
    duration_seconds: int
    output: tuple[str, ...]

    @property
    def manifests(self) -> tuple[str, ...]:
        """The manifests that a start may ask for, the last one uploaded last."""
        names = {"hls": "index.m3u8", "dash": "index.mpd"}
        return tuple(names[manifest_type] for manifest_type in self.manifest_types)


_ENCODING = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    # Equal keyframes in all renditions, one at the start of each segment, where players switch.
    *("-g", str(FRAMES_PER_SECOND * SEGMENT_SECONDS), "-sc_threshold", "0"),
    *("-keyint_min", str(FRAMES_PER_SECOND * SEGMENT_SECONDS)),
    *("-c:a", "aac", "-b:a", "96k"),
)

DEMO_FILMS = (
    DemoFilm(
        movie_id="018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f01",
        title="Demo film (HLS and DASH, two renditions)",
        manifest_types=("hls", "dash"),
        duration_seconds=60,
        output=(
            *("-filter_complex", "[0:v]split[copy][high];[copy]scale=640:360[low]"),
            *("-map", "[low]", "-map", "[high]", "-map", "1:a"),
            *_ENCODING,
            *("-b:v:0", "500k", "-maxrate:v:0", "700k", "-bufsize:v:0", "1000k"),
            *("-b:v:1", "1500k", "-maxrate:v:1", "2000k", "-bufsize:v:1", "3000k"),
            *("-f", "dash", "-seg_duration", str(SEGMENT_SECONDS)),
            *("-use_template", "1", "-use_timeline", "1"),
            *("-adaptation_sets", "id=0,streams=v id=1,streams=a"),
            *("-hls_playlist", "1", "-hls_master_name", "index.m3u8"),
            "index.mpd",
        ),
    ),
    DemoFilm(
        movie_id="018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02",
        title="Classic film (HLS with MPEG-TS segments)",
        manifest_types=("hls",),
        duration_seconds=20,
        output=(
            *("-vf", "scale=640:360", "-map", "0:v", "-map", "1:a"),
            *_ENCODING,
            *("-b:v", "600k", "-f", "hls", "-hls_time", str(SEGMENT_SECONDS)),
            *("-hls_playlist_type", "vod", "-start_number", "1"),
            *("-hls_segment_filename", "chunk_%05d.ts", "index.m3u8"),
        ),
    ),
)


def make(film: DemoFilm, folder: Path) -> None:
    """Make `film` in `folder`/{movie_id}; what exists there is complete and stays."""
    target = folder / film.movie_id
    unfinished = folder / f"{film.movie_id}.unfinished"
    if target.exists():
        return
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    subprocess.run(_command(film), cwd=unfinished, check=True, stdin=subprocess.DEVNULL)
    unfinished.rename(target)


def make_all(folder: Path, films: Sequence[DemoFilm] = DEMO_FILMS) -> None:
    """Make the films that are missing; of several processes one makes them, the others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for film in films:
            make(film, folder)


def are_made(folder: Path) -> bool:
    """Whether all films are in `folder`."""
    return all((folder / film.movie_id).exists() for film in DEMO_FILMS)


def _command(film: DemoFilm) -> list[str]:
    from imageio_ffmpeg import get_ffmpeg_exe

    video = f"testsrc2=size=1280x720:rate={FRAMES_PER_SECOND}:duration={film.duration_seconds}"
    audio = f"sine=frequency=330:beep_factor=4:sample_rate=48000:duration={film.duration_seconds}"
    inputs = ("-f", "lavfi", "-i", video, "-f", "lavfi", "-i", audio)
    return [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", *inputs, *film.output]


if __name__ == "__main__":
    os.nice(5)  # the servers start at the same time
    make_all(Path(sys.argv[1]))
