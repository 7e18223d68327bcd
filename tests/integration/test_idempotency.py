"""Repeating a start with its Idempotency-Key."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from tests.conftest import Rows, set_subscription
from tests.support.environments import start_repeatedly
from tests.support.functions import Viewer, event, forget_environment, invoke, new_viewer
from tests.support.kafka import await_events

pytestmark = pytest.mark.own_servers

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def sessions_of(rows: Rows, viewer: Viewer) -> list[str]:
    """Return the ids of the user's sessions."""
    found = rows("SELECT id FROM stream_sessions WHERE user_id = :user", user=viewer.user_id)
    return [str(row["id"]) for row in found]


def test_same_session(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A start whose response was lost is repeated: one session, one event, a film that plays."""
    first = viewer.start(movie_id, key=KEY)
    again = viewer.start(movie_id, key=KEY)

    assert (first.status, again.status) == (200, 200)
    assert again.json["session_id"] == first.json["session_id"]
    assert again.json["manifest_url"].startswith("http")
    assert sessions_of(rows, viewer) == [first.json["session_id"]]
    events = await_events(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id, 1)
    assert [event["session_id"] for event in events["stream.start"]] == [first.json["session_id"]]


def test_repeat_knows_the_position(viewer: Viewer, movie_id: UUID) -> None:
    """The repeated response resumes at the player's current position."""
    session_id = viewer.start(movie_id, key=KEY).json["session_id"]
    viewer.report(movie_id, 30, session_id=session_id, sequence=1)

    assert viewer.start(movie_id, key=KEY).json["resume_position_seconds"] == 30


def test_empty_body_is_the_default_body(viewer: Viewer, movie_id: UUID) -> None:
    """Requests are compared by their meaning, not by their format."""
    first = viewer.start(movie_id, key=KEY)

    assert (
        viewer.start(movie_id, {"manifest_type": "hls"}, key=KEY).json["session_id"]
        == (first.json["session_id"])
    )


def test_another_request(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A key with another body, or for another film, is rejected."""
    viewer.start(movie_id, key=KEY)

    for answer in (
        viewer.start(movie_id, {"manifest_type": "dash"}, key=KEY),
        viewer.start(uuid4(), key=KEY),
    ):
        assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused")
    assert len(sessions_of(rows, viewer)) == 1


def test_keys_belong_to_their_user(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """Keys of the same name of two users are independent."""
    other = new_viewer(stack.token)
    set_subscription(stack, other.user_id)

    theirs = other.start(movie_id, key=KEY).json["session_id"]

    assert viewer.start(movie_id, key=KEY).json["session_id"] != theirs


def test_still_running(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """During the first attempt a repeat has to wait; after its time-out the repeat takes over."""
    assert viewer.start(movie_id, key=KEY).status == 200
    rows(
        "UPDATE idempotency_keys SET completed_at = NULL, running_until = now() + interval '9 s' "
        "WHERE user_id = :user RETURNING 1",
        user=viewer.user_id,
    )

    answer = viewer.start(movie_id, key=KEY)

    assert (answer.status, answer.json["code"]) == (409, "request_in_progress")
    assert int(answer.headers["retry-after"]) > 0

    rows(
        "UPDATE idempotency_keys SET running_until = now() - interval '1 s' "
        "WHERE user_id = :user RETURNING 1",
        user=viewer.user_id,
    )
    assert viewer.start(movie_id, key=KEY).json["session_id"] == sessions_of(rows, viewer)[0]
    assert len(sessions_of(rows, viewer)) == 1


def test_failed_start_may_be_repeated(viewer: Viewer, stack: Stack, movie_id: UUID) -> None:
    """A failed start releases its key: a repeat runs immediately."""
    stack.user_service.stop()
    try:
        assert viewer.start(movie_id, key=KEY).status == 503
    finally:
        stack.user_service.start()
    forget_environment()

    assert viewer.start(movie_id, key=KEY).status == 200


def test_many_at_once(
    environment: dict[str, str], viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """Of concurrent repeats one opens the session; the others return it, or have to wait."""
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as environments:
        starts = [
            environments.submit(start_repeatedly, environment, viewer, movie_id, KEY, 5)
            for _ in range(4)
        ]
        answers = [answer for start in starts for answer in start.result()]

    (session_id,) = sessions_of(rows, viewer)
    assert set(answers) <= {(200, session_id), (409, None)}
    assert (200, session_id) in answers


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "schlüssel", "\x7f", "line\nbreak"])
def test_bad_key(viewer: Viewer, movie_id: UUID, key: str, rows: Rows) -> None:
    """An invalid key is rejected, not ignored."""
    answer = viewer.start(movie_id, key=key)

    assert (answer.status, answer.json["code"]) == (422, "invalid_request")
    assert sessions_of(rows, viewer) == []


def test_keys_are_forgotten(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """After a day housekeeping deletes a key, and a start with it is a new one."""
    first = viewer.start(movie_id, key=KEY)
    rows(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' "
        "WHERE user_id = :user RETURNING 1",
        user=viewer.user_id,
    )

    assert invoke("housekeeping", event("housekeeping"))["expired"] >= 1

    assert viewer.start(movie_id, key=KEY).json["session_id"] != first.json["session_id"]
