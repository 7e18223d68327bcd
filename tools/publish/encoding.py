"""Encoding: one run of ffmpeg makes CMAF segments of all rungs and audio tracks.

Every rung has a keyframe at the same frames, each at the start of a segment, so that a player can
switch anywhere. All tracks start at zero, run without gaps and end together, the sound with silence
and the picture with its last frame: many players wait for ever for a track that ended early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tools.publish import ffmpeg
from tools.publish.ladder import Rung
from tools.publish.probe import Source, VideoTrack

SEGMENT_SECONDS = 4
INITIALIZATION = "init.mp4"
SEGMENT = "$Number%05d$.m4s"
TIMELINE = "timeline.mpd"
POSTER = "poster.jpg"
PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)

_SAMPLE_RATE = 48_000
_AUDIO_RATE = 128_000
_LONGEST_GROUP = 1_000_000
_POSTER_WIDTH = 1280
_HOLD = "tpad=stop=-1:stop_mode=clone"
_TO_STANDARD_RANGE = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,"
)


@dataclass(frozen=True, slots=True)
class Encoder:
    """How to encode one film: `preset` is x264's trade of time for size."""

    source: Source
    rungs: Sequence[Rung]
    preset: str

    def encode(self, folder: Path, on_seconds: ffmpeg.OnSeconds) -> None:
        """Write each stream into a folder of its number (rungs first), and TIMELINE beside them.

        Raises `PublishError` when ffmpeg fails.
        """
        for number in range(len(self.rungs) + len(self.source.audio)):
            (folder / str(number)).mkdir(parents=True)
        ffmpeg.run(self.arguments(), cwd=folder, on_seconds=on_seconds)

    def arguments(self) -> list[str]:
        """Return ffmpeg's arguments, output included."""
        return [
            *("-loglevel", "error", *ffmpeg.local_input(self.source.path)),
            *("-filter_complex", ";".join((self._pictures(), *self._sounds()))),
            *self._video_options(),
            *self._audio_options(),
            *("-t", f"{self.source.duration_seconds:.3f}"),
            *("-map_metadata", "-1", "-map_chapters", "-1"),
            *("-f", "dash", "-use_template", "1", "-use_timeline", "1"),
            *("-adaptation_sets", self._adaptation_sets()),
            *("-format_options", "movflags=+cmaf"),
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
        whole = f"{_clean(video)}fps={video.frame_rate}:start_time=0,{_HOLD},format=yuv420p"
        split = f"[0:{video.index}]{whole},split={len(self.rungs)}{copies}"
        return ";".join((split, *scaled))

    def _sounds(self) -> list[str]:
        return [
            f"[0:{track.index}]aresample={_SAMPLE_RATE}:async=1:first_pts=0,"
            f"aformat=channel_layouts=stereo,apad[audio{number}]"
            for number, track in enumerate(self.source.audio)
        ]

    def _video_options(self) -> list[str]:
        options = [
            *("-c:v", "libx264", "-preset", self.preset, "-profile:v", "high", "-crf", "21"),
            # No keyframes but these: what a scene cut adds would differ from rung to rung.
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
        # A set for each stream: ffmpeg wants equal shapes in one, to the last rounded pixel.
        # A video segment ends at the first keyframe after this time. Keyframes may come a frame
        # early, by rounding to the frame rate, so it has to be clearly shorter than their distance.
        seconds = [SEGMENT_SECONDS / 2 for _ in self.rungs]
        seconds += [SEGMENT_SECONDS for _ in self.source.audio]
        sets = (
            f"id={number},seg_duration={each},streams={number}"
            for number, each in enumerate(seconds)
        )
        return " ".join(sets)


def take_poster(source: Source, path: Path) -> None:
    """Write a typical frame from early in the film. Raises `PublishError`."""
    video = source.video
    width = min(_POSTER_WIDTH, video.width)
    height = max(2, round(video.height * Fraction(width, video.width)))
    filters = f"{_clean(video)}thumbnail=50,scale={width}:{height},setsar=1,format=yuvj420p"
    ffmpeg.run(
        [
            *("-loglevel", "error", "-ss", f"{source.duration_seconds / 10:.3f}"),
            *ffmpeg.local_input(source.path),
            *("-map", f"0:{video.index}", "-vf", filters, "-frames:v", "1", "-update", "1"),
            *("-q:v", "3", "-f", "image2", str(path.absolute())),
        ],
        cwd=path.parent,
    )


def _clean(video: VideoTrack) -> str:
    """Return the filters for progressive frames of standard dynamic range."""
    return "bwdif=deint=interlaced," + (_TO_STANDARD_RANGE if video.is_high_dynamic_range else "")
