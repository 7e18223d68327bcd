"""Builds where events go."""

import os
from functools import cache

from streaming.composition.record import outbox
from streaming.event_publisher import EventPublisher
from streaming.event_sink import EventSink, KafkaSink, NoEvents
from streaming.settings import EventSettings


@cache
def event_publisher() -> EventPublisher:
    """Build the connection to Kafka."""
    return EventPublisher(EventSettings.from_environment(os.environ))


@cache
def event_sink() -> EventSink:
    """Build where the use cases send events."""
    settings = EventSettings.from_environment(os.environ)
    if not settings.enabled:
        return NoEvents()
    return KafkaSink(event_publisher(), outbox(), settings.topic_prefix)
