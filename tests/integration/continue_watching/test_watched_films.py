"""What was watched to its end stays watched, and little is not offered."""

from uuid import UUID

import pytest

from local.stack import Stack
from tests.integration.continue_watching.films import listed, put_film
from tests.support.functions import Viewer, forget_environment


def test_rewatch(viewer: Viewer, film: UUID) -> None:
    """A completed film stays completed when it is started again, and is not listed."""
    viewer.start(film)
    viewer.stop(film, 12)
    first = viewer.progress(film).json
    assert viewer.start(film).json["resume_position_seconds"] == 11

    viewer.stop(film, 1)

    again = viewer.progress(film).json
    assert (first["completed"], first["times_completed"]) == (True, 1)
    assert (again["completed"], again["position_seconds"]) == (True, 1)
    assert again["completed_at"] == first["completed_at"] is not None
    assert listed(viewer) == []


def test_rewatch_without_sessions(viewer: Viewer, stranger: Viewer, film: UUID) -> None:
    """A film is completed without a start, too, once its length is known."""
    viewer.start(film)
    stranger.report(film, 12)
    assert stranger.progress(film).json["completed"]
    assert listed(stranger) == []

    stranger.report(film, 1)

    again = stranger.progress(film).json
    assert (again["completed"], again["times_completed"]) == (True, 1)
    assert listed(stranger) == []


def test_times_completed(viewer: Viewer, film: UUID) -> None:
    """Each completion counts once, whatever is reported after it."""
    viewer.start(film)
    for position in (11, 12, 12, 3, 11, 12, 1):
        viewer.report(film, position)

    shown = viewer.progress(film).json
    assert (shown["completed"], shown["times_completed"]) == (True, 2)


@pytest.mark.parametrize(
    ("seconds", "position", "is_offered"),
    [(30, 0, False), (30, 1, False), (30, 2, True), (3600, 29, False), (3600, 30, True)],
)
def test_minimum(
    stack: Stack, viewer: Viewer, film: UUID, seconds: int, position: int, *, is_offered: bool
) -> None:
    """A film is listed from a twentieth of its length on, a long one from half a minute on."""
    put_film(stack, film, seconds)
    viewer.start(film)
    viewer.stop(film, position)

    assert listed(viewer) == ([str(film)] if is_offered else [])
    assert viewer.start(film).json["resume_position_seconds"] == position


@pytest.mark.parametrize(("seconds", "percent", "is_offered"), [(4, 90, True), (5, 90, False)])
def test_minimum_is_configured(
    viewer: Viewer,
    film: UUID,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    percent: int,
    *,
    is_offered: bool,
) -> None:
    """The minimum in seconds and in percent is read from the environment."""
    monkeypatch.setenv("CONTINUE_WATCHING_MIN_SECONDS", str(seconds))
    monkeypatch.setenv("CONTINUE_WATCHING_MIN_PERCENT", str(percent))
    forget_environment()
    viewer.start(film)
    viewer.stop(film, 4)

    assert listed(viewer) == ([str(film)] if is_offered else [])
