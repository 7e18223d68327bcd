"""Execution environments of their own, as Lambda has many: one process each."""

import os
from collections.abc import Mapping, Sequence
from uuid import UUID

from tests.support.functions import Viewer


def play_mixed(
    environment: Mapping[str, str], viewers: Sequence[Viewer], movie_id: UUID, rounds: int
) -> list[str]:
    """Let all ``viewers`` play ``movie_id`` in turns in this environment; return what was wrong.

    Each viewer has positions of their own, so that whatever somebody else's row shows is seen.
    """
    os.environ.update(environment)
    wrong: list[str] = []

    def expect(viewer: Viewer, what: str, actual: object, expected: object) -> None:
        if actual != expected:
            wrong.append(f"{viewer.user_id} {what}: {actual} instead of {expected}")

    sessions = {}
    for viewer in viewers:
        started = viewer.start(movie_id)
        expect(viewer, "start", started.status, 200)
        sessions[viewer.user_id] = started.json.get("session_id")
    for sequence in range(1, rounds + 1):
        for number, viewer in enumerate(viewers):
            position = sequence * len(viewers) + number
            ordered = {"session_id": sessions[viewer.user_id], "sequence": sequence}
            report = viewer.report(movie_id, position, **ordered)
            expect(viewer, "report", report.json.get("position_seconds"), position)
        for number, viewer in enumerate(viewers):
            position = sequence * len(viewers) + number
            found = viewer.progress(movie_id).json
            expect(viewer, "owner", found.get("user_id"), str(viewer.user_id))
            expect(viewer, "position", found.get("position_seconds"), position)
            listed = viewer.continue_watching().json.get("items", [])
            expect(viewer, "films", [each["user_id"] for each in listed], [str(viewer.user_id)])
    for number, viewer in enumerate(viewers):
        stopped = viewer.stop(movie_id, number, session_id=sessions[viewer.user_id])
        expect(viewer, "stop", stopped.json.get("session_id"), sessions[viewer.user_id])
    return wrong


def start_repeatedly(
    environment: Mapping[str, str], viewer: Viewer, movie_id: UUID, key: str, times: int
) -> list[tuple[int, str | None]]:
    """Start the film with one Idempotency-Key; return each status and session."""
    os.environ.update(environment)
    answers = [viewer.start(movie_id, key=key) for _ in range(times)]
    return [(answer.status, answer.json.get("session_id")) for answer in answers]
