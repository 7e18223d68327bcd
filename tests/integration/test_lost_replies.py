"""Every use case with each reply of PostgreSQL lost in turn, including COMMIT's."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from local.stack import Stack
from tests.conftest import Rows, set_subscription
from tests.support import admin
from tests.support.functions import (
    Json,
    Response,
    Viewer,
    event,
    forget_environment,
    new_viewer,
    request,
)
from tests.support.outbox import drain, waiting
from tests.support.tcp_proxy import TcpProxy

MOST_REPLIES = 80

Act = Callable[[Viewer, UUID, Json], Response]

RECORD = {
    "sessions": """
        SELECT ended_at IS NULL AS is_open, end_reason, last_sequence
        FROM stream_sessions WHERE user_id = :user ORDER BY id
    """,
    "positions": """
        SELECT position_seconds, sequence, version, removed_at IS NOT NULL AS is_removed
        FROM watch_progress WHERE user_id = :user
    """,
    "keys": """
        SELECT completed_at IS NOT NULL AS is_completed
        FROM idempotency_keys WHERE user_id = :user
    """,
}

FILM = """
    SELECT is_there, duration_seconds, checked_at IS NOT NULL AS is_checked
    FROM films WHERE movie_id = :film
"""
FORGET_FILM = "UPDATE films SET duration_seconds = 1, checked_at = NULL WHERE movie_id = :film"


@pytest.fixture
def proxy(
    stack: Stack, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[TcpProxy]:
    """A proxy between the functions and PostgreSQL."""
    with TcpProxy(stack.postgres.port) as proxy:
        server = f"127.0.0.1:{stack.postgres.port}"
        assert server in environment["DATABASE_URL"]
        url = environment["DATABASE_URL"].replace(server, f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("DATABASE_URL", url)
        forget_environment()
        yield proxy
        forget_environment()


def nothing(viewer: Viewer, movie_id: UUID) -> Json:
    """Do nothing first."""
    return {}


def started(viewer: Viewer, movie_id: UUID) -> Json:
    """Start the film and report a position first."""
    session_id = viewer.start(movie_id).json["session_id"]
    assert viewer.report(movie_id, 10, session_id=session_id, sequence=1).json["applied"]
    return {"session_id": session_id}


def stopped(viewer: Viewer, movie_id: UUID) -> Json:
    """Report the film until 20 s first."""
    session = started(viewer, movie_id)
    assert viewer.stop(movie_id, 20, **session, sequence=2).json["applied"]
    return session


def invalidate(viewer: Viewer, movie_id: UUID, session: Json) -> Response:
    """Invalidate the film as an admin."""
    payload = event("invalidate")
    payload["pathParameters"] = {"movie_id": str(movie_id)}
    return request("invalidate", payload)


def erase(viewer: Viewer, movie_id: UUID, session: Json) -> Response:
    """Erase the viewer as an admin."""
    return admin.erase(viewer.user_id)


USE_CASES: dict[str, tuple[Callable[[Viewer, UUID], Json], Act]] = {
    "start": (nothing, lambda viewer, film, session: viewer.start(film)),
    "start with a key": (nothing, lambda viewer, film, session: viewer.start(film, key="key")),
    "start that takes over": (
        started,
        lambda viewer, film, session: viewer.start(film, {"take_over": True}, key="key"),
    ),
    "resume": (stopped, lambda viewer, film, session: viewer.start(film, key="key")),
    "report": (
        started,
        lambda viewer, film, session: viewer.report(film, 15, **session, sequence=2),
    ),
    "report in no order": (started, lambda viewer, film, session: viewer.report(film, 15)),
    "late report": (
        started,
        lambda viewer, film, session: viewer.report(film, 5, **session, sequence=0),
    ),
    "report without a session": (nothing, lambda viewer, film, session: viewer.report(film, 15)),
    "stop": (
        started,
        lambda viewer, film, session: viewer.stop(film, 20, **session, sequence=2),
    ),
    "second stop": (
        stopped,
        lambda viewer, film, session: viewer.stop(film, 21, **session, sequence=3),
    ),
    "get": (started, lambda viewer, film, session: viewer.progress(film)),
    "continue watching": (started, lambda viewer, film, session: viewer.continue_watching()),
    "remove": (started, lambda viewer, film, session: viewer.remove(film)),
    "erase": (stopped, erase),
    "invalidate": (nothing, invalidate),
}
CHANGING = ("session_id", "user_id", "manifest_url", "last_watched_at", "expires_in")


def told(answer: Response) -> Any:
    """Return a response without the parts that differ between runs."""
    if not answer.body:
        return answer.status
    body = answer.json
    bodies = [body, *body.get("items", [])]
    for each in bodies:
        for name in CHANGING:
            each.pop(name, None)
    # A stop returns how long the session lasted, in seconds of the clock.
    if "session_ended" in body and body.get("duration_seconds") is not None:
        body["duration_seconds"] = "some"
    return answer.status, body


@pytest.mark.parametrize("name", USE_CASES)
def test_a_lost_reply_changes_nothing(
    stack: Stack, proxy: TcpProxy, movie_id: UUID, rows: Rows, name: str
) -> None:
    """Whichever reply is lost, the call returns and records the same as without the loss."""
    prepare, act = USE_CASES[name]

    def run(lost: int | None) -> tuple[Any, Any]:
        viewer = new_viewer(stack.token)
        set_subscription(stack, viewer.user_id, max_streams=1)
        session = prepare(viewer, movie_id)
        viewer.progress(movie_id)  # opens a connection
        if name == "erase":
            # The response counts the events in the outbox: those that Kafka was late with.
            if waiting(rows, viewer):
                drain(rows, forget=False)
            request("erase", {**event("erase"), "pathParameters": {"user_id": str(movie_id)}})
        elif name == "invalidate":
            invalidate(viewer, movie_id, session)
            rows(FORGET_FILM, film=movie_id)
        if lost is not None:
            proxy.cut_once(answers_before=lost)
        answer = told(act(viewer, movie_id, session))
        proxy.pass_through()
        record = {each: rows(RECORD[each], user=viewer.user_id) for each in RECORD}
        return answer, {**record, "film": rows(FILM, film=movie_id)}

    expected = run(None)
    lost = 0
    while True:
        cuts = proxy.cuts
        assert (lost, *run(lost)) == (lost, *expected)
        if proxy.cuts == cuts:
            break
        lost += 1

    # Redis answers a look-up.
    assert int(name != "get") <= lost <= MOST_REPLIES


REPLACE = """
    CREATE FUNCTION replace_position() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE watch_progress
        SET position_seconds = 99, version = version + 1,
            updated_at = updated_at + interval '1 millisecond'
        WHERE id = new.id;
        RETURN NULL;
    END $$
"""
AT_COMMIT = """
    CREATE CONSTRAINT TRIGGER replaced AFTER UPDATE ON watch_progress
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.position_seconds = 15) EXECUTE FUNCTION replace_position()
"""


@pytest.fixture
def replaced_at_once(rows: Rows) -> Iterator[None]:
    """Another device replaces the position of 15 seconds as soon as it is committed."""
    rows(REPLACE)
    rows(AT_COMMIT)
    yield
    rows("DROP FUNCTION replace_position CASCADE")


@pytest.mark.parametrize("call", ["report", "stop"])
@pytest.mark.usefixtures("replaced_at_once")
def test_outcome_that_cannot_be_known(
    stack: Stack, proxy: TcpProxy, movie_id: UUID, call: str
) -> None:
    """A position that was saved, and replaced before its second run, is not called late."""
    viewer = new_viewer(stack.token)
    set_subscription(stack, viewer.user_id)
    session = started(viewer, movie_id)
    act = getattr(viewer, call)
    proxy.cut_once(containing=b"COMMIT")

    unknown = act(movie_id, 15, **session, sequence=2)
    repeated = act(movie_id, 15, **session, sequence=2)

    assert proxy.cuts == 1
    assert (unknown.status, unknown.json["code"]) == (503, "database_unavailable")
    assert (repeated.status, repeated.json["applied"]) == (200, False)
    assert repeated.json["position_seconds"] == 99
