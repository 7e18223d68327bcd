"""The ordering rule in a model, in SQL and in Redis."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.cache.client import Cache
from streaming.cache.progress import ProgressCache
from streaming.config.cache import CacheSettings
from streaming.domain.identifiers import uuid7
from streaming.domain.progress import Report, ReportOrder, SavedProgress
from streaming.domain.sessions import NewSession
from streaming.events.event import StreamEvent
from streaming.repository.database import Database
from streaming.repository.playback import Playback
from streaming.repository.progress import ProgressRecord

# Housekeeping, which runs concurrently, would delete sessions of last year.
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def progress_cache(environment: dict[str, str]) -> ProgressCache:
    """The cache."""
    return ProgressCache(Cache(CacheSettings.from_environment(environment)), 60)


def supersedes(
    report: Report,
    session_started_at: datetime | None,
    last_sequence: int | None,
    on_record: SavedProgress | None,
) -> bool:
    """Return whether a report changes the record: what was watched last wins.

    ``last_sequence`` is the greatest of the report's session so far. A report without an age is
    made as it arrives, and so after everything that is on record.
    """
    order, recorded = report.order, on_record.order if on_record else None
    if order and last_sequence is not None and order.sequence <= last_sequence:
        return False
    if order and recorded and order.session_id == recorded.session_id:
        return order.sequence > recorded.sequence
    if on_record is None or not report.age_seconds:
        return True
    return report.made_at(session_started_at) >= on_record.last_watched_at


reports = st.tuples(
    st.integers(0, 100),
    st.one_of(st.none(), st.tuples(st.integers(0, 2), st.integers(0, 5))),
    st.sampled_from((0, 0, 1.5, 3, 6, 12, 3600)),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(messy=st.lists(reports, min_size=1, max_size=12), cache_order=st.randoms())
def test_model_record_and_cache_agree(
    database: Database,
    progress_cache: ProgressCache,
    messy: list[tuple[int, tuple[int, int] | None, float]],
    cache_order: Random,
) -> None:
    """In any order of reports, and of their cache writes, all three have the same result."""
    playback, user_id, movie_id = Playback(database), uuid4(), uuid4()
    sessions = [open_session(playback, user_id, movie_id, number) for number in range(3)]
    last_sequences: dict[UUID, int] = {}
    position, before = -1, None
    saved: list[SavedProgress] = []
    for second, (reported, place, age) in enumerate(messy):
        session_id, sequence = (sessions[place[0]], place[1]) if place else (None, None)
        at = NOW + timedelta(seconds=10 + second)
        report = Report(user_id, movie_id, reported, session_id, sequence, at, age)
        started_at = NOW + timedelta(seconds=place[0]) if place else None
        last_sequence = last_sequences.get(session_id) if session_id else None
        if supersedes(report, started_at, last_sequence, before):
            position = reported
        if session_id and sequence is not None:
            last_sequences[session_id] = max(sequence, last_sequences.get(session_id, 0))
        recorded = playback.record_report(report).progress
        assert recorded is not None
        assert recorded.position_seconds == position
        saved.append(recorded)
        before = recorded

    cache_order.shuffle(saved)
    for progress in saved:
        progress_cache.keep(progress)

    on_record = ProgressRecord(database).find(user_id, movie_id)
    assert on_record is not None
    assert on_record.position_seconds == position
    assert progress_cache.find(user_id, movie_id) == on_record


@pytest.mark.unmeasured
def test_ten_thousand_in_any_order(database: Database, progress_cache: ProgressCache) -> None:
    """Ten thousand reports with their ages have one result, in any order."""
    playback, states = Playback(database), set()
    places = [(session, sequence) for sequence in range(100) for session in range(3)]
    for seed in range(25):
        random = Random(seed)
        user_id, movie_id = uuid4(), uuid4()
        sessions = [open_session(playback, user_id, movie_id, number) for number in range(3)]
        # The three devices play in turns: the last report is the first session's.
        made = {place: 10 + number for number, place in enumerate(places)}
        made[0, 99] = 10 + len(places)
        messy = places + random.choices(places, k=100)
        random.shuffle(messy)
        saved = []
        for session, sequence in messy:
            position = session * 1000 + sequence
            at = NOW + timedelta(seconds=1000)
            age = 1000 - made[session, sequence]
            report = Report(user_id, movie_id, position, sessions[session], sequence, at, age)
            recorded = playback.record_report(report).progress
            assert recorded is not None
            saved.append(recorded)
        random.shuffle(saved)
        for progress in saved:
            progress_cache.keep(progress)

        on_record = ProgressRecord(database).find(user_id, movie_id)
        assert on_record is not None
        assert progress_cache.find(user_id, movie_id) == on_record
        assert on_record.order == ReportOrder(sessions[0], 99)
        states.add((on_record.position_seconds, on_record.completed, on_record.last_watched_at))
    assert states == {(99, False, NOW + timedelta(seconds=310))}


def open_session(playback: Playback, user_id: UUID, movie_id: UUID, number: int) -> UUID:
    """Open the session of that number; later ones have greater ids."""
    started_at = NOW + timedelta(seconds=number)
    session = NewSession(
        id=uuid7(int(started_at.timestamp() * 1000)),
        user_id=user_id,
        movie_id=movie_id,
        manifest_type="hls",
        film_duration_seconds=None,
        started_at=started_at,
        user_agent=None,
        ip_address=None,
    )
    started = StreamEvent(uuid4(), "stream_start", user_id, movie_id, started_at, session.id)
    playback.open_session(session, started, lambda event: None)
    return session.id
