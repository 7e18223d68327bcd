"""A viewer removes a film from continue watching."""

from uuid import UUID, uuid4

from local.stack import Stack
from tests.conftest import Rows
from tests.integration.continue_watching.films import listed
from tests.support.functions import Viewer
from tests.support.redis_of_stack import client_of


def test_remove(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """A removed film is not listed and not in Redis; the next report adds it again."""
    session_id = viewer.start(film).json["session_id"]
    viewer.report(film, 5, session_id=session_id, sequence=2)

    removed = [viewer.remove(film), viewer.remove(film)]
    late = viewer.report(film, 5, session_id=session_id, sequence=1)

    assert [(answer.status, answer.body) for answer in removed] == [(204, "")] * 2
    assert late.json["applied"] is False
    assert listed(viewer) == []
    assert viewer.progress(film).json["code"] == "progress_not_found"
    cached = client_of(stack).get(f"progress:{viewer.user_id}:{film}")
    assert '"is_removed":true' in str(cached)
    assert viewer.start(film).json["resume_position_seconds"] == 0

    assert viewer.report(film, 6, session_id=session_id, sequence=3).json["applied"] is True
    assert listed(viewer) == [str(film)]
    assert viewer.progress(film).json["position_seconds"] == 6


def test_remove_what_was_watched(viewer: Viewer, film: UUID) -> None:
    """A film's completion stays on record when it is removed."""
    viewer.start(film)
    viewer.stop(film, 12)
    viewer.remove(film)

    assert viewer.start(film).json["completed"] is True
    viewer.report(film, 1)
    assert viewer.progress(film).json["times_completed"] == 1


def test_remove_what_is_not_there(viewer: Viewer, rows: Rows) -> None:
    """Removing a film without a position changes nothing, and succeeds."""
    assert viewer.remove(uuid4()).status == 204

    saved = "SELECT 1 FROM watch_progress WHERE user_id = :id"
    assert rows(saved, id=viewer.user_id) == []


def test_remove_is_of_its_user(viewer: Viewer, stranger: Viewer, film: UUID) -> None:
    """A user cannot remove a film from another user's list."""
    viewer.start(film)
    viewer.report(film, 5)

    stranger.remove(film)

    assert listed(viewer) == [str(film)]
