"""The checker finds events that are lost, invented, too many or out of order."""

from dataclasses import replace

import pytest

from tests.histories.sequential_history import Tale


@pytest.mark.parametrize("action", ["stream_start", "stream_progress", "stream_stop"])
def test_a_lost_event_is_found(tale: Tale, action: str) -> None:
    """Each acknowledged start, report and stop has its event; one in the outbox is not lost."""
    events = tale.service.events
    kept = tuple(event for event in events if event.value["action"] != action)
    waiting = tuple(event for event in events if event.value["action"] == action)

    assert len(tale.promises_broken(published=kept)) == 1
    assert tale.promises_broken(published=kept, outbox=waiting) == set()


def test_repeated_events_are_accepted(tale: Tale) -> None:
    """Delivery is at least once: consumers remove repeats by their id."""
    assert tale.promises_broken(published=tuple(tale.service.events * 2)) == set()


@pytest.mark.parametrize("index", [0, 1, -1])
def test_an_event_too_many_is_found(tale: Tale, index: int) -> None:
    """A session has one start event and one stop event, and each report one event."""
    event = tale.service.events[index]
    another = replace(event, value={**event.value, "event_id": "another"})

    assert len(tale.promises_broken(published=(*tale.service.events, another))) == 1


@pytest.mark.parametrize("index", [0, 1, -1])
def test_an_event_of_nothing_is_found(tale: Tale, index: int) -> None:
    """Each event belongs to an existing session or report."""
    event = tale.service.events[index]
    stray = {"event_id": "stray", "session_id": "stray", "position_seconds": 99}
    another = replace(event, value={**event.value, **stray})

    assert len(tale.promises_broken(published=(*tale.service.events, another))) == 1


def test_events_out_of_order_are_found(tale: Tale) -> None:
    """Events of a session arrive in the order of its reports."""
    start, first, second, stop = tale.service.events

    assert tale.promises_broken(published=(start, second, first, stop)) == {
        "events of a session arrive in order"
    }
