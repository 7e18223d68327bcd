"""The events about watched films."""

import json
from datetime import datetime
from uuid import UUID, uuid4

from shared.clients import producer
from shared.settings import settings


def send(
    action: str,
    user_id: UUID,
    movie_id: UUID,
    at: datetime,
    session_id: UUID | None,
    position_seconds: int | None = None,
    sequence: int | None = None,
) -> None:
    """Send an event to the topic of ``action``, and wait until it is acknowledged."""
    event = {
        "event_id": str(uuid4()),
        "user_id": str(user_id),
        "movie_id": str(movie_id),
        "action": f"stream_{action}",
        "timestamp": at.isoformat(),
        "session_id": str(session_id) if session_id else None,
        "position_seconds": position_seconds,
        "sequence": sequence,
    }
    producer.send(
        f"{settings.kafka_topic_prefix}.{action}",
        json.dumps(event).encode(),
        key=str(user_id).encode(),
    ).get(timeout=5)
