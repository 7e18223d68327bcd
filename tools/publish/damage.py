"""The declared content that a file lacks."""

from typing import Any

import av.container
from av.stream import Disposition

from tools.publish.survey import Survey

# Rounding, and differences between muxers.
TOLERATED_LOSS_SECONDS = 1.0
_MICROSECONDS = 1_000_000


def lost_part(container: av.container.InputContainer, surveyed: Survey) -> str:
    """Return what a recording lacks of its declared duration, empty if nothing is missing."""
    # Matroska declares the duration of the whole file only.
    is_told = "matroska" not in container.format.name
    timed = [stream for stream in container.streams if is_told and _has_times(stream)]
    told = {stream.index: _told_seconds(stream) for stream in timed}
    told_of_all = (container.duration or 0) / _MICROSECONDS
    there = [each.bare_end for each in surveyed.timelines.values()]
    # A cover may be told to last as long as the film.
    of_tracks = (
        told[stream.index] - surveyed.timelines[stream.index].length
        for stream in timed
        if not (stream.type == "video" and len(surveyed.timelines[stream.index].starts) == 1)
    )
    lost = max(told_of_all - max(there, default=0.0), surveyed.blank_seconds, *of_tracks, 0.0)
    if lost <= TOLERATED_LOSS_SECONDS:
        return ""
    return f"{lost:.1f} s are missing of the {max([told_of_all, *told.values()]):.1f} s it declares"


def unread_part(surveyed: Survey, missing_bytes: int) -> str:
    """Return why a file ends early, empty if it is read to its end, by its packets and sizes."""
    there = max((each.length for each in surveyed.timelines.values()), default=0.0)
    if missing_bytes:
        return (
            f"it ends after {there:.1f} s, and {missing_bytes} bytes of its last part are missing"
        )
    return f"it cannot be read after {there:.1f} s" if surveyed.is_broken else ""


def repeated_part(surveyed: Survey) -> str:
    """Return where time stamps start again, which are lost in formats that do not allow this."""
    back = [jump for jump in surveyed.jumps if jump.seconds < -TOLERATED_LOSS_SECONDS]
    if surveyed.is_corrected or not back:
        return ""
    return f"its time stamps start again after {back[0].at:.1f} s, and what follows is lost"


def _has_times(stream: Any) -> bool:
    # Subtitles end with the last cue, and covers have no duration.
    is_cover = stream.disposition & Disposition.attached_pic
    return stream.type in ("video", "audio") and not is_cover


def _told_seconds(stream: Any) -> float:
    if stream.duration is None or stream.time_base is None:
        return 0.0
    return float(stream.duration * stream.time_base)
