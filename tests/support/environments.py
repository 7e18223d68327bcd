"""Separate execution environments, one process each."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from uuid import UUID

from tests.support.functions import Response, Viewer, patient_request


def play_mixed(
    environment: Mapping[str, str], viewers: Sequence[Viewer], movie_id: UUID, rounds: int
) -> list[str]:
    """Let all ``viewers`` play ``movie_id`` in turns in this environment; return the errors.

    Each viewer has unique positions, so that a row of another viewer is detected.
    """
    os.environ.update(environment)
    wrong: list[str] = []

    def expect(viewer: Viewer, what: str, actual: object, expected: object) -> None:
        if actual != expected:
            wrong.append(f"{viewer.user_id} {what}: {actual} instead of {expected}")

    sessions = {}
    for viewer in viewers:
        started = replace(viewer, send=patient_request).start(movie_id)
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


Fact = tuple[str, str, int | None]
"""An event that must exist: its topic, its session and, for a report, its sequence."""


@dataclass
class Acknowledged:
    """Calls that were answered with 200, and whose effects must therefore exist.

    ``refused`` are other responses; ``slowest`` is the longest call in seconds.
    """

    facts: list[Fact] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def call(self, action: Callable[[], Response]) -> Response | None:
        """Return a successful response, or None."""
        began = time.monotonic()
        answer = action()
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status == 200:
            return answer
        self.refused.append(answer.body)
        return None


def play_until(
    environment: Mapping[str, str], viewers: Sequence[Viewer], movie_id: UUID, over: Path
) -> Acknowledged:
    """Let all ``viewers`` play in turns until the file ``over`` exists; return the results."""
    os.environ.update(environment)
    known = Acknowledged()
    is_warm = False
    while not (is_warm and over.exists()):
        sessions = {}
        for viewer in viewers:
            if started := known.call(partial(viewer.start, movie_id)):
                sessions[viewer] = started.json["session_id"]
                known.facts.append(("stream.start", sessions[viewer], None))
        for sequence in range(1, 11):
            for viewer, session_id in sessions.items():
                order = {"session_id": session_id, "sequence": sequence}
                if known.call(partial(viewer.report, movie_id, 10, **order)):
                    known.facts.append(("stream.progress", session_id, sequence))
        for viewer, session_id in sessions.items():
            order = {"session_id": session_id, "sequence": 11}
            if known.call(partial(viewer.stop, movie_id, 20, **order)):
                known.facts.append(("stream.stop", session_id, None))
        if not is_warm:
            # The first calls have loaded the handlers.
            known.slowest, is_warm = 0.0, True
    return known
