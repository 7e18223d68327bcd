"""A film that was replaced by another cut resumes inside it."""

from uuid import UUID

from local.stack import Stack
from tests.integration.continue_watching.films import invalidate, put_film
from tests.support.functions import Viewer


def test_shorter_cut(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """In a film that was replaced by a shorter cut, every position is inside the new length."""
    viewer.start(film)
    viewer.stop(film, 10)

    put_film(stack, film, 6)
    assert invalidate(film) == 200

    shown = viewer.progress(film).json
    (item,) = viewer.continue_watching().json["items"]
    assert (shown["position_seconds"], shown["duration_seconds"]) == (5, 6)
    assert (item["position_seconds"], item["duration_seconds"]) == (5, 6)
    started = viewer.start(film).json
    assert (started["resume_position_seconds"], started["duration_seconds"]) == (5, 6)


def test_longer_cut(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """A position stays valid in a longer cut, whose length is returned."""
    viewer.start(film)
    viewer.stop(film, 10)

    put_film(stack, film, 24)
    assert invalidate(film) == 200

    shown = viewer.progress(film).json
    assert (shown["position_seconds"], shown["duration_seconds"]) == (10, 24)
