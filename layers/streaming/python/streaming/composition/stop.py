"""Builds what stopping a film needs."""

from functools import cache

from streaming.composition.events import event_sink
from streaming.composition.record import playback, progress_cache, stream_slots
from streaming.usecases.stop_stream import StopStream


@cache
def stop_stream() -> StopStream:
    """Build the use case."""
    return StopStream(playback(), progress_cache(), stream_slots(), event_sink())
