"""Builds what reporting a position needs."""

from functools import cache

from streaming.composition.events import event_sink
from streaming.composition.record import playback, progress_cache, stream_slots
from streaming.usecases.report_progress import ReportProgress


@cache
def report_progress() -> ReportProgress:
    """Build the use case."""
    return ReportProgress(playback(), progress_cache(), stream_slots(), event_sink())
