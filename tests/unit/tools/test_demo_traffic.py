"""The invented viewing of ``make demo-traffic``."""

import json
from collections import Counter
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from uuid import UUID

from local.demo_catalogue import CATALOGUE
from streaming.domain import clock
from streaming.domain.identifiers import milliseconds_of
from streaming.events.event import StreamEvent
from streaming.events.records import KafkaRecord
from streaming.events.viewing import viewing_event
from tests.support.viewing_traffic import record
from tools.demo_traffic.viewing import DAYS, REPORT_SECONDS, week

TODAY = date(2026, 11, 28)


# Not at the import, which each worker does, also those that run none of these tests.
@cache
def events() -> list[StreamEvent]:
    """Return the events of a week."""
    return week(1, TODAY, 200)


def test_a_seed_gives_the_same_events_again() -> None:
    """A repeated run sends the same ids, so nothing is counted twice; another seed differs."""
    again, other = week(1, TODAY, 200), week(2, TODAY, 200)

    assert again == events()
    assert not {event.event_id for event in events()} & {event.event_id for event in other}


def test_the_days_that_two_weeks_share_have_the_same_events() -> None:
    """A run on the next day adds that day, and repeats the others."""
    first = TODAY - timedelta(days=DAYS - 1)
    tomorrow = week(1, TODAY + timedelta(days=1), 200)

    shared = {event.event_id for event in events() if event.timestamp.date() > first}

    assert shared <= {event.event_id for event in tomorrow}


def test_every_event_is_countable() -> None:
    """No record becomes a dead letter, even if it is sent a week after it happened."""
    for offset, event in enumerate(events()):
        read = viewing_event(_record(event, offset), 0)
        assert read.event_id == event.event_id


def test_event_ids_are_unique_and_sessions_begin_at_their_starts() -> None:
    """Each session has one start, at the time that its id contains."""
    starts = [event for event in events() if event.action == "stream_start"]

    assert len({event.event_id for event in events()}) == len(events())
    assert len({event.session_id for event in starts}) == len(starts)
    for event in starts:
        assert isinstance(event.session_id, UUID)
        assert milliseconds_of(event.session_id) == clock.milliseconds(event.timestamp)


def test_all_films_are_watched_on_several_devices_and_parts_of_them_again() -> None:
    """The traffic has what the dashboard shows: films, devices, abandoned sessions, rewatching."""
    starts = [event for event in events() if event.action == "stream_start"]
    by_session: dict[UUID | None, list[int]] = {}
    for event in events():
        if event.position_seconds is not None:
            by_session.setdefault(event.session_id, []).append(event.position_seconds)
    went_back = [
        session
        for session, positions in by_session.items()
        if any(after < before for before, after in pairwise(positions))
    ]

    assert {str(event.movie_id) for event in starts} == {film.movie_id for film in CATALOGUE}
    assert {"desktop", "mobile", "tablet", "tv"} <= {event.device for event in starts}
    assert any(event.reason == "abandoned" for event in events())
    assert went_back


def test_more_is_watched_in_the_evening_than_at_night() -> None:
    """The starts have the rhythm of the day."""
    hours = Counter(event.timestamp.hour for event in events() if event.action == "stream_start")

    assert sum(hours[hour] for hour in range(18, 24)) > sum(hours[hour] for hour in range(6)) * 3


def test_positions_advance_with_the_clock_between_reports() -> None:
    """While a film plays, a report's position is as far from the last one as its time."""
    reports: dict[UUID | None, list[StreamEvent]] = {}
    for event in events():
        if event.action == "stream_progress":
            reports.setdefault(event.session_id, []).append(event)
    for each in reports.values():
        for before, after in pairwise(each):
            assert before.position_seconds is not None
            assert after.position_seconds is not None
            step = after.position_seconds - before.position_seconds
            if step > 0:
                assert step <= REPORT_SECONDS
                assert (after.timestamp - before.timestamp).total_seconds() == step


def _record(event: StreamEvent, offset: int) -> KafkaRecord:
    message = event.to_message("stream")
    assert json.loads(message.value)["event_id"] == str(event.event_id)
    sent = event.timestamp + timedelta(days=DAYS)
    return record(message.topic, 0, offset, message.value.encode(), sent)
