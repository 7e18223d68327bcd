"""The outbox: which events wait there, and in which order Kafka gets them."""

from uuid import UUID

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.support.functions import Viewer, event, forget_environment, invoke
from tests.support.kafka import events_of
from tests.support.outbox import waiting

pytestmark = pytest.mark.own_servers


@pytest.fixture
def after_an_outage(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> UUID:
    """Kafka is available again and a start's event still waits; returns the session."""
    stack.kafka.stop()
    session_id = UUID(viewer.start(movie_id).json["session_id"])
    stack.kafka.start()
    forget_environment()
    assert waiting(rows, viewer) == ["stream.start"]
    return session_id


def sent(stack: Stack, viewer: Viewer) -> dict[str, int]:
    """Return the number of the viewer's events in Kafka, by topic."""
    events = events_of(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id)
    return {topic: len(found) for topic, found in events.items()}


def test_events_stay_behind_older_ones(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows, after_an_outage: UUID
) -> None:
    """While an older event waits, later ones of its user queue behind it, even with Kafka back."""
    viewer.report(movie_id, 10, session_id=str(after_an_outage), sequence=1)
    viewer.stop(movie_id, 20, session_id=str(after_an_outage), sequence=2)
    viewer.start(movie_id)

    assert waiting(rows, viewer) == [
        "stream.start",
        "stream.progress",
        "stream.stop",
        "stream.start",
    ]
    assert set(sent(stack, viewer).values()) == {0}


def test_events_go_directly_once_the_older_ones_are_gone(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows, after_an_outage: UUID
) -> None:
    """When the outbox contains no more events of a user, requests send their events themselves."""
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 minute'")
    invoke("housekeeping", event("housekeeping"))

    viewer.report(movie_id, 10, session_id=str(after_an_outage), sequence=1)
    viewer.stop(movie_id, 20, session_id=str(after_an_outage), sequence=2)

    assert waiting(rows, viewer) == []
    assert sent(stack, viewer) == {"stream.start": 1, "stream.progress": 1, "stream.stop": 1}
