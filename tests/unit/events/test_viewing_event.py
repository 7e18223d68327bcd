"""Records of any content are counted or refused; none stops a partition."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from streaming.events.records import InvalidRecord
from streaming.events.viewing import viewing_event
from tests.support.viewing_traffic import record

SENT_AT = datetime(2026, 10, 30, 22, 0, tzinfo=UTC)
VALID: dict[str, Any] = {
    "event_id": "01a18eb1-dbe3-726b-9fda-2e5386def5a0",
    "user_id": "3b8faa18-37f8-488b-97fc-695a07a0ca6e",
    "movie_id": "8b9d2434-e465-4150-bd9c-66b3ad3c2d6d",
    "session_id": "019a3704-8b40-7685-8eaa-73e96bfed001",
    "action": "stream_start",
    "timestamp": "2026-10-30T21:30:00.123Z",
    "position_seconds": 12,
    "age_seconds": 1,
    "duration_seconds": 600,
    "manifest_type": "hls",
    "device": "tv",
    "reason": None,
}
FIELD = st.sampled_from(sorted(VALID))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(name=FIELD, value=JSON)
@example(name="action", value=[])
@example(name="age_seconds", value=10**400)
def test_any_value_is_counted_or_refused(name: str, value: object) -> None:
    """An odd value in any field raises nothing other than the reason of a dead letter."""
    message = json.dumps(VALID | {name: value}).encode()
    with suppress(InvalidRecord):
        viewing_event(record("stream.start", 0, 0, message, SENT_AT), 0)
