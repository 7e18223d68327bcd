"""Encoding: ffmpeg writes CMAF segments of all rungs and audio tracks.

One process normalizes the tracks, see `normalizing`; a second one encodes them. The keyframes of
all rungs are at the same frames, each at the start of a segment, so that a player can switch at
every segment. All tracks start at zero, have no gaps and end together: audio is padded with silence
and video with its last frame, because many players never finish if a track ends early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tools.publish import ffmpeg, normalizing
from tools.publish.errors import PublishError
from tools.publish.ladder import Rung
from tools.publish.normalizing import SAMPLE_RATE
from tools.publish.source import Source

SEGMENT_SECONDS = 4
INITIALIZATION = "init.mp4"
SEGMENT = "$Number%05d$.m4s"
TIMELINE = "timeline.mpd"
POSTER = "poster.jpg"
PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)

# Audio with a larger offset is resynchronized.
_OFF_SECONDS = 0.02
_PRIMING_SAMPLES = 1024
_AUDIO_RATE = 128_000
_LONGEST_GROUP = 1_000_000
_POSTER_WIDTH = 1280
_HOLD = "tpad=stop=-1:stop_mode=clone"


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes one film; `preset` is x264's trade-off between time and size."""

    source: Source
    rungs: Sequence[Rung]
    preset: str

    def encode(self, folder: Path, on_seconds: ffmpeg.OnSeconds) -> str:
        """Write each stream to a folder with its number (rungs first), and TIMELINE beside them.

        Returns ffmpeg's log on the source, which `inspection` reads. Raises `PublishError` if
        ffmpeg fails.
        """
        for number in range(len(self.rungs) + len(self.source.audio)):
            (folder / str(number)).mkdir(parents=True)
        run = ffmpeg.run(
            self.arguments(),
            cwd=folder,
            on_seconds=on_seconds,
            fed_by=normalizing.arguments(self.source),
        )
        return run.fed_log

    def arguments(self) -> list[str]:
        """Return ffmpeg's arguments, output included."""
        return [
            *("-loglevel", "error", "-protocol_whitelist", "pipe,fd", "-f", "nut", "-i", "pipe:0"),
            *("-filter_complex", ";".join((self._pictures(), *self._sounds()))),
            *self._video_options(),
            *self._audio_options(),
            *("-t", f"{self.source.duration_seconds:.3f}"),
            *("-map_metadata", "-1", "-map_chapters", "-1"),
            *("-f", "dash", "-use_template", "1", "-use_timeline", "1"),
            *("-adaptation_sets", self._adaptation_sets()),
            *("-format_options", "movflags=+cmaf:use_editlist=0"),
            *("-init_seg_name", f"$RepresentationID$/{INITIALIZATION}"),
            *("-media_seg_name", f"$RepresentationID$/{SEGMENT}"),
            TIMELINE,
        ]

    def _pictures(self) -> str:
        video = self.source.video
        copies = "".join(f"[copy{number}]" for number in range(len(self.rungs)))
        scaled = (
            f"[copy{number}]scale={rung.width}:{rung.height}:flags=bicubic,setsar=1[video{number}]"
            for number, rung in enumerate(self.rungs)
        )
        # A cover has no duration, and is passed all the same.
        whole = f"fps={video.frame_rate}:start_time=0:eof_action=pass,{_HOLD}"
        split = f"[0:0]{whole},split={len(self.rungs)}{copies}"
        return ";".join((split, *scaled))

    def _sounds(self) -> list[str]:
        # The encoder adds priming silence of the length that is trimmed here. Players without
        # support for edit lists play the priming, so without an edit list all are in sync.
        samples = round(self.source.duration_seconds * SAMPLE_RATE) - _PRIMING_SAMPLES
        return [
            f"[0:{number}]aresample={SAMPLE_RATE}:async=1:first_pts=0:min_hard_comp={_OFF_SECONDS},"
            f"atrim=start_sample={_PRIMING_SAMPLES},asetpts=(N+{_PRIMING_SAMPLES})/SR/TB,"
            f"apad=whole_len={samples},atrim=end_sample={samples}[audio{number - 1}]"
            for number in range(1, len(self.source.audio) + 1)
        ]

    def _video_options(self) -> list[str]:
        options = [
            *("-c:v", "libx264", "-preset", self.preset, "-profile:v", "high", "-crf", "21"),
            # No other keyframes: those at scene cuts would differ from rung to rung.
            *("-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_SECONDS})"),
            *("-g", str(_LONGEST_GROUP), "-sc_threshold", "0"),
        ]
        for number, rung in enumerate(self.rungs):
            options += ["-map", f"[video{number}]", f"-maxrate:v:{number}"]
            options += [str(rung.bits_per_second), f"-bufsize:v:{number}"]
            options += [str(rung.bits_per_second * 2)]
        return options

    def _audio_options(self) -> list[str]:
        maps = [("-map", f"[audio{number}]") for number in range(len(self.source.audio))]
        return ["-c:a", "aac", "-b:a", str(_AUDIO_RATE), *(part for each in maps for part in each)]

    def _adaptation_sets(self) -> str:
        # One set per stream, because ffmpeg requires exactly equal aspect ratios within a set.
        # A video segment ends at the first keyframe after this time. Rounding to the frame rate may
        # place a keyframe one frame early, so this time is clearly shorter than their distance.
        seconds = [SEGMENT_SECONDS / 2 for _ in self.rungs]
        seconds += [SEGMENT_SECONDS for _ in self.source.audio]
        sets = (
            f"id={number},seg_duration={each},streams={number}"
            for number, each in enumerate(seconds)
        )
        return " ".join(sets)


def take_poster(playlist: Path, rung: Rung, seconds: float, path: Path) -> None:
    """Write a typical frame from the beginning of the film, which is `seconds` long.

    It is taken from a packaged rendition, which has a picture at every time, upright, with square
    pixels and standard dynamic range. Raises `PublishError` if there is no frame.
    """
    width = min(_POSTER_WIDTH, rung.width)
    height = max(2, round(rung.height * Fraction(width, rung.width)))
    ffmpeg.run(
        [
            *("-loglevel", "error", "-protocol_whitelist", "file", "-ss", f"{seconds / 10:.3f}"),
            *("-i", f"file:{playlist.absolute()}", "-map", "0:v", "-vf"),
            f"thumbnail=50,scale={width}:{height}:flags=bicubic,setsar=1,format=yuvj420p",
            *("-frames:v", "1", "-update", "1", "-q:v", "3", "-f", "image2"),
            str(path.absolute()),
        ],
        cwd=path.parent,
    )
    if not path.exists():
        raise PublishError("no poster can be created from the film's pictures")
