"""Builds where events go."""

import os
from functools import cache

from streaming.composition.record import outbox
from streaming.composition.secret import rotating
from streaming.config.events import EventSettings
from streaming.events.producer import EventPublisher
from streaming.usecases.event_sink import EventSink, KafkaSink, NoEvents


@cache
def event_publisher() -> EventPublisher:
    """Build the connection to Kafka."""
    source = rotating(EventSettings.from_environment, "KAFKA_SECRET_ARN")
    return EventPublisher(source or EventSettings.from_environment(os.environ))


@cache
def event_sink() -> EventSink:
    """Build where the use cases send events."""
    if not EventSettings.are_enabled(os.environ):
        return NoEvents()
    return KafkaSink(event_publisher(), outbox(), EventSettings.topic_prefix_of(os.environ))
