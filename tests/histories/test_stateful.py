"""Sequential calls in any order, compared with the checker's model."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from math import inf

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from redis import Redis

from tests.histories.collect import collect
from tests.histories.conftest import SEEDS, assert_kept
from tests.histories.evidence import FilmOfUser
from tests.histories.model import Film, Place
from tests.histories.operations import Call, History, Json, Operation
from tests.histories.plan import DURATION_SECONDS
from tests.histories.recorder import Recorder
from tests.histories.rig import Rig
from tests.histories.runner import new_subscriber, settle
from tests.support.functions import event, forget_environment, invoke

_COMPLETED_FROM = 0.9 * DURATION_SECONDS
_BEGUN_FROM = 30
_LONG_AGO = 10**9
# No test lasts an hour, so a report of that age precedes every earlier call; 0 is the least age.
_ages = st.sampled_from((None, 0, 0, 3600))

_users = st.integers(0, 1)
_films = st.integers(0, 1)
_sequences = st.one_of(st.none(), st.integers(0, 6))
_is_completed = st.booleans()
# Usually a session of the device, sometimes one of another user or of another film.
_sessions = st.one_of(st.none(), st.integers(0, 8))


class InProcess:
    """Runs the handlers in this process, as one execution environment."""

    def invoke(self, function: str, event: Json, die_at_step: int | None = None) -> Json:
        """Return the handler's result."""
        return {"result": invoke(function, event)}


class Viewing(RuleBasedStateMachine):
    """Two users watch two films."""

    rig: Rig
    recorder: Recorder
    positions: Iterator[int]
    users: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[FilmOfUser, Film] = defaultdict(Film)
        self.completed: set[FilmOfUser] = set()
        self.touched: dict[FilmOfUser, float] = {}
        self.sessions: list[str] = []
        self.began: dict[str, float] = {}
        self.last: tuple[Call, int, int, Json] | None = None

    @initialize()
    def people(self) -> None:
        """Create two users."""
        self.viewers = [new_subscriber(self.rig) for _ in range(2)]
        self.users.update(str(viewer.user_id) for viewer in self.viewers)

    @rule(user=_users, film=_films)
    def start(self, user: int, film: int) -> None:
        """A start opens a session and resumes at the position on record."""
        key, before = self.before(user, film)
        answered = self.call("start", user, film, {})

        assert answered.status == 200
        assert answered.answer["resume_position_seconds"] == (before.position or 0)
        assert answered.answer["completed"] == self.is_completed(key)
        session_id = answered.answer["session_id"]
        assert session_id not in self.sessions
        self.sessions.append(session_id)
        self.began[session_id] = next(_moments)
        self.models[key] = before.start(session_id)

    @rule(
        user=_users,
        film=_films,
        session=_sessions,
        sequence=_sequences,
        completed=_is_completed,
        age=_ages,
    )
    def report(
        self,
        user: int,
        film: int,
        session: int | None,
        sequence: int | None,
        *,
        completed: bool,
        age: int | None,
    ) -> None:
        """A report counts, unless a later one is on record or its session has ended."""
        arguments = self.arguments(session, sequence, completed=completed, age=age)
        self.expect_report(user, film, arguments)

    @rule(
        user=_users,
        film=_films,
        session=_sessions,
        sequence=_sequences,
        completed=_is_completed,
        age=_ages,
    )
    def stop(
        self,
        user: int,
        film: int,
        session: int | None,
        sequence: int | None,
        *,
        completed: bool,
        age: int | None,
    ) -> None:
        """A stop counts, unless a later report is on record, and ends its session."""
        arguments = self.arguments(session, sequence, completed=completed, age=age)
        self.expect_stop(user, film, arguments)

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        """Repeating the last request changes nothing."""
        assert self.last is not None
        call, user, film, arguments = self.last
        (self.expect_report if call == "report" else self.expect_stop)(user, film, arguments)

    @rule(user=_users, film=_films)
    def get(self, user: int, film: int) -> None:
        """A look-up returns the record."""
        key, before = self.before(user, film)
        answered = self.call("get", user, film, {})

        if before.position is None:
            assert (answered.status, answered.answer["code"]) == (404, "progress_not_found")
            return
        assert answered.status == 200
        shown = answered.answer
        assert (shown["user_id"], shown["movie_id"]) == key
        assert shown["position_seconds"] == before.position
        # Without a session of the user, another user's has set the film's length.
        assert shown["duration_seconds"] == DURATION_SECONDS
        assert shown["completed"] == self.is_completed(key)

    @rule(user=_users)
    def films_to_continue(self, user: int) -> None:
        """Films that were started and not completed are listed, newest first."""
        answered = self.call("continue", user, 0, {})

        begun = [
            key for key in self.touched if key[0] == answered.user_id and not self.is_completed(key)
        ]
        begun.sort(key=lambda key: self.touched[key], reverse=True)
        listed = [(item["user_id"], item["movie_id"]) for item in answered.answer["items"]]
        assert listed == begun
        for key, item in zip(begun, answered.answer["items"], strict=True):
            assert item["position_seconds"] == self.models[key].position

    @rule()
    def abandon(self) -> None:
        """Players do not report for six minutes, and housekeeping ends their sessions."""
        for row in self.rig.silence():
            key = str(row["user_id"]), str(row["movie_id"])
            self.models[key] = self.models[key].abandon(str(row["id"]))
        invoke("housekeeping", event("housekeeping"))

    @rule()
    def lose_the_cache(self) -> None:
        """Redis loses every position."""
        with Redis(port=self.rig.redis.port) as redis:
            for key in redis.scan_iter("progress:*"):
                redis.delete(key)

    @rule()
    def thaw(self) -> None:
        """The next call runs in a new execution environment."""
        forget_environment()

    def expect_report(self, user: int, film: int, arguments: Json) -> None:
        """Report, and compare the response with the model's."""
        key, before = self.before(user, film)
        made = self.made(arguments)
        place = self.place(key, arguments, made)
        answered = self.call("report", user, film, arguments)

        if not before.finds(place):
            assert (answered.status, answered.answer["code"]) == (404, "session_not_found")
            return
        after = self.models[key] = before.report(arguments["position_seconds"], place)
        has_ended = place.session_id in before.ended_sessions
        counts = before.counts(place) and not has_ended
        assert answered.status == 200
        assert answered.answer["position_seconds"] == (after.position or 0)
        assert answered.answer["session_ended"] == has_ended
        assert answered.answer["applied"] == counts
        if counts:
            self.touch(key, made)

    def expect_stop(self, user: int, film: int, arguments: Json) -> None:
        """Stop, and compare the response with the model's."""
        key, before = self.before(user, film)
        made = self.made(arguments)
        place = self.place(key, arguments, made)
        answered = self.call("stop", user, film, arguments)

        if not before.finds(place):
            assert (answered.status, answered.answer["code"]) == (404, "session_not_found")
            return
        ends = place.session_id or before.latest_open_session
        position = arguments["position_seconds"]
        after = self.models[key] = before.stop(position, place, ends)
        assert answered.status == 200
        assert answered.answer["position_seconds"] == after.position
        assert answered.answer["session_id"] == ends
        assert answered.answer["session_ended"] == (ends is not None)
        assert answered.answer["applied"] == before.counts(place)
        assert (answered.answer["duration_seconds"] is None) == (ends is None)
        if before.counts(place):
            self.touch(key, made)

    def touch(self, key: FilmOfUser, made: float) -> None:
        """Record a report that counts."""
        self.touched[key] = max(made, self.touched.get(key, made))
        if (self.models[key].position or 0) >= _COMPLETED_FROM:
            self.completed.add(key)

    def call(self, call: Call, user: int, film: int, arguments: Json) -> Operation:
        """Make a call."""
        if call in ("report", "stop"):
            self.last = (call, user, film, arguments)
        return self.recorder.call(
            call, f"user {user}", self.viewers[user], self.rig.films[film], **arguments
        )

    def before(self, user: int, film: int) -> tuple[FilmOfUser, Film]:
        """Return the film's key, and the model's state of it."""
        key = str(self.viewers[user].user_id), str(self.rig.films[film])
        return key, self.models[key]

    def place(self, key: FilmOfUser, arguments: Json, made: float) -> Place:
        """Return the place of a report that was made at that moment."""
        place = Place(arguments.get("session_id"), arguments.get("sequence"))
        if not arguments.get("age_seconds"):
            return place
        return replace(place, is_outdated=made < self.touched.get(key, -inf))

    def made(self, arguments: Json) -> float:
        """Return the time of a report: if it is too old, the beginning of its session."""
        if not arguments.get("age_seconds"):
            return next(_moments)
        session_id = arguments.get("session_id")
        return self.began[session_id] if session_id in self.began else next(_moments) - _LONG_AGO

    def is_completed(self, key: FilmOfUser) -> bool:
        """Return whether the film was ever completed."""
        return key in self.completed

    def arguments(
        self, session: int | None, sequence: int | None, *, completed: bool, age: int | None
    ) -> Json:
        """Return the body of a report with a unique position."""
        position = next(self.positions) + (int(_COMPLETED_FROM) if completed else 0)
        arguments: Json = {"position_seconds": position}
        if age is not None:
            arguments["age_seconds"] = age
        if session is not None and session < len(self.sessions):
            # The latest come first, so that hypothesis often selects a session of the film.
            arguments["session_id"] = self.sessions[-1 - session]
            if sequence is not None:
                arguments["sequence"] = sequence
        return arguments


_moments = count()


@pytest.fixture
def variables(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is an execution environment."""
    for name, value in rig.stack.environment.items():
        monkeypatch.setenv(name, value)
    forget_environment()
    yield
    forget_environment()


def test_every_answer_is_foretold(rig: Rig, variables: None) -> None:
    """For any calls in any order, the model predicts the response, and events match."""

    class Machine(Viewing):
        pass

    Machine.rig, Machine.recorder = rig, Recorder(InProcess())
    Machine.positions, Machine.users = count(_BEGUN_FROM), set()
    # The model takes for granted that the films exist, and their length, which the service knows
    # of started ones.
    first_viewer = new_subscriber(rig)
    for movie_id in rig.films:
        started = Recorder(InProcess()).call("start", "first viewer", first_viewer, movie_id)
        assert started.status == 200
    run_machine(
        Machine,
        settings=settings(
            max_examples=100 if SEEDS else 6,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    settle(rig, InProcess())
    history = History(0, Machine.recorder.operations)
    assert_kept(history, collect(rig, Machine.users))
