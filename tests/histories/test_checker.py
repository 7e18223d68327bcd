"""The checker accepts correct histories, and finds each kind of broken promise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from types import MappingProxyType
from typing import Any

import pytest

from tests.histories.checker import check
from tests.histories.evidence import Evidence
from tests.histories.model import Place
from tests.histories.operations import Call, Disturbance, History, Operation
from tests.histories.perfect_service import STARTED_AT, PerfectService

ANNA, FILM = "anna", "film"


@dataclass
class Tale:
    """Sequential calls, each a second long, to a service that keeps its promises."""

    service: PerfectService = field(default_factory=PerfectService)
    operations: list[Operation] = field(default_factory=list)

    def tell(self, call: Call, user_id: str = ANNA, **arguments: Any) -> Operation:
        """Make a call and record it."""
        asked = self.asked(call, user_id, **arguments)
        return self.record(asked, self.service.take(asked))

    def lose(self, call: Call, *, happens: bool, **arguments: Any) -> Operation:
        """Make a call whose response is lost."""
        asked = self.asked(call, ANNA, **arguments)
        if happens:
            self.service.take(asked)
        self.operations.append(asked)
        return asked

    def asked(self, call: Call, user_id: str, **arguments: Any) -> Operation:
        """Return a call without its response."""
        number = len(self.operations) + 1
        return Operation(number, "device", call, user_id, FILM, arguments, number, number + 0.1)

    def record(self, asked: Operation, answer: Any) -> Operation:
        """Record a response."""
        status = 404 if "code" in answer else 200
        answered = replace(asked, status=status, answer=answer)
        self.operations.append(answered)
        return answered

    def respell(self, operation: Operation, **answer: Any) -> None:
        """Change a recorded response."""
        index = self.operations.index(operation)
        changed = {**operation.answer, **answer}
        self.operations[index] = replace(operation, answer=changed)

    def promises_broken(
        self,
        disturbances: tuple[Disturbance, ...] = (),
        limits: Mapping[str, int] = MappingProxyType({}),
        **evidence: Any,
    ) -> set[str]:
        """Return the broken promises that the checker finds, with replaced evidence."""
        held = replace(self.service.evidence(), **evidence)
        history = History(0, tuple(self.operations), disturbances, limits=limits)
        violations = check(history, held)
        assert all(violation.told(history) for violation in violations)
        return {violation.promise for violation in violations}


@pytest.fixture
def tale() -> Tale:
    """A view of a film: started, reported twice, looked up, stopped."""
    tale = Tale()
    session_id = tale.tell("start").answer["session_id"]
    tale.tell("report", position_seconds=10, session_id=session_id, sequence=1)
    tale.tell("report", position_seconds=20, session_id=session_id, sequence=2)
    tale.tell("get")
    tale.tell("stop", position_seconds=30, session_id=session_id, sequence=3)
    return tale


def test_a_faithful_service_is_accepted(tale: Tale) -> None:
    """The checker finds no violation in a view of a film."""
    assert tale.promises_broken() == set()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_order_a_faithful_service_chose_is_accepted(seed: int) -> None:
    """Calls may overlap, be late, be repeated, have no response, and take effect much later."""
    history, evidence = simulated(Random(seed))

    violations = check(history, evidence)

    assert [violation.told(history) for violation in violations] == []


def test_a_lost_position_is_found(tale: Tale) -> None:
    """An acknowledged position has to be on record in the end."""
    row = tale.service.evidence().progress[ANNA, FILM]
    older = replace(row, position_seconds=20, sequence=2)

    assert "what was acknowledged stays on record" in tale.promises_broken(
        progress={(ANNA, FILM): older}
    )


def test_a_record_that_vanished_is_found(tale: Tale) -> None:
    """An acknowledged call has to have a record."""
    assert "what was acknowledged stays on record" in tale.promises_broken(progress={}, cached={})


def test_being_set_back_is_found(tale: Tale) -> None:
    """A late report changes nothing, and its response must not claim otherwise."""
    session_id = tale.operations[0].answer["session_id"]
    late = tale.tell("report", position_seconds=15, session_id=session_id, sequence=1)
    tale.respell(late, position_seconds=15, applied=True)

    assert "a response matches its effect" in tale.promises_broken()


def test_a_stale_read_is_found(tale: Tale) -> None:
    """A read returns a position that was acknowledged before it began."""
    read = tale.tell("get")
    tale.respell(read, position_seconds=20)

    assert tale.promises_broken() == {"a read returns the record"}


def test_redis_may_stand_in_for_postgresql(tale: Tale) -> None:
    """While PostgreSQL is unavailable a look-up may return an older position of the same film."""
    away = Disturbance("kill postgres", 5.5, 6.5)
    read = tale.tell("get")
    tale.respell(read, position_seconds=20)
    assert tale.promises_broken(disturbances=(away,)) == set()

    tale.respell(tale.operations[-1], position_seconds=77)
    assert tale.promises_broken(disturbances=(away,)) == {"a read returns the record"}


@pytest.mark.parametrize("seconds", [4, 6])
@pytest.mark.parametrize("what", ["nothing", "part redis", "Redis is late"])
def test_a_hidden_position_is_found(tale: Tale, what: str, seconds: int) -> None:
    """A position may be hidden behind an older one for five seconds, after a fault of Redis."""
    read = tale.tell("get")
    tale.respell(read, position_seconds=20)
    acknowledged_at = tale.operations[-2].answered_at
    invoked_at = acknowledged_at + seconds
    tale.operations[-1] = replace(
        tale.operations[-1], invoked_at=invoked_at, answered_at=invoked_at + 0.1
    )
    disturbances = (Disturbance("part redis", 4.9, 5.0),) if what == "part redis" else ()
    failures = (5.0,) if what == "Redis is late" else ()

    broken = tale.promises_broken(disturbances, redis_failures=failures)

    is_allowed = what != "nothing" and seconds <= 5
    assert broken == (set() if is_allowed else {"a read returns the record"})


def test_a_position_that_was_not_acknowledged_may_be_hidden(tale: Tale) -> None:
    """Redis need not have a position whose report was not acknowledged, until it is repeated."""
    tale.lose("report", happens=True, position_seconds=40)
    tale.tell("start")
    read = tale.tell("get")
    tale.respell(read, position_seconds=30)
    assert tale.promises_broken() == set()
    tale.tell("report", position_seconds=50)
    read = tale.tell("get")
    tale.respell(read, position_seconds=30)

    assert tale.promises_broken() == {"a read returns the record"}


def test_a_read_of_nothing_is_found(tale: Tale) -> None:
    """The response for a film with a position is not that it was never watched."""
    asked = tale.asked("get", ANNA)
    tale.record(asked, {"code": "progress_not_found"})

    assert tale.promises_broken() == {"a read returns the record"}


def test_somebody_elses_position_is_found(tale: Tale) -> None:
    """A response never contains another user's data, even if it names no user."""
    tale.tell("report", "bert", position_seconds=77)
    tale.respell(tale.tell("get"), position_seconds=77)

    assert tale.promises_broken() == {"a read returns the record"}


def test_somebody_elses_name_is_found(tale: Tale) -> None:
    """A response that names a user names the caller."""
    tale.respell(tale.tell("get"), user_id="bert")

    assert tale.promises_broken() == {"a response has only its user's data"}


def test_a_film_left_out_is_found(tale: Tale) -> None:
    """Continue watching lists a started film at its current position."""
    tale.respell(tale.operations[0], duration_seconds=100)
    asked = replace(tale.asked("continue", ANNA), movie_id=None)
    tale.record(asked, {"items": []})

    assert tale.promises_broken() == {"continue watching lists a started film"}


@pytest.mark.parametrize("action", ["stream_start", "stream_progress", "stream_stop"])
def test_a_lost_event_is_found(tale: Tale, action: str) -> None:
    """Each acknowledged start, report and stop has its event; one in the outbox is not lost."""
    events = tale.service.events
    kept = tuple(event for event in events if event.value["action"] != action)
    waiting = tuple(event for event in events if event.value["action"] == action)

    assert len(tale.promises_broken(published=kept)) == 1
    assert tale.promises_broken(published=kept, outbox=waiting) == set()


def test_repeated_events_are_accepted(tale: Tale) -> None:
    """Delivery is at least once: consumers remove repeats by their id."""
    assert tale.promises_broken(published=tuple(tale.service.events * 2)) == set()


@pytest.mark.parametrize("index", [0, 1, -1])
def test_an_event_too_many_is_found(tale: Tale, index: int) -> None:
    """A session has one start event and one stop event, and each report one event."""
    event = tale.service.events[index]
    another = replace(event, value={**event.value, "event_id": "another"})

    assert len(tale.promises_broken(published=(*tale.service.events, another))) == 1


@pytest.mark.parametrize("index", [0, 1, -1])
def test_an_event_of_nothing_is_found(tale: Tale, index: int) -> None:
    """Each event belongs to an existing session or report."""
    event = tale.service.events[index]
    stray = {"event_id": "stray", "session_id": "stray", "position_seconds": 99}
    another = replace(event, value={**event.value, **stray})

    assert len(tale.promises_broken(published=(*tale.service.events, another))) == 1


def test_events_out_of_order_are_found(tale: Tale) -> None:
    """Events of a session arrive in the order of its reports."""
    start, first, second, stop = tale.service.events

    assert tale.promises_broken(published=(start, second, first, stop)) == {
        "events of a session arrive in order"
    }


def test_a_negative_duration_is_found(tale: Tale) -> None:
    """A session's end comes after its start."""
    sessions = {
        name: replace(row, ended_at=STARTED_AT - timedelta(seconds=1))
        for name, row in tale.service.evidence().sessions.items()
    }

    assert tale.promises_broken(sessions=sessions) == {"a session does not end before it starts"}


def test_a_session_that_was_not_ended_is_found(tale: Tale) -> None:
    """An acknowledged stop has ended its session."""
    sessions = {
        name: replace(row, ended_at=None) for name, row in tale.service.evidence().sessions.items()
    }

    assert "what was acknowledged stays on record" in tale.promises_broken(sessions=sessions)


def test_a_cache_that_differs_is_found(tale: Tale) -> None:
    """When all calls have ended, Redis contains the same position as PostgreSQL, or none."""
    cached = dict(tale.service.evidence().cached)
    cached[ANNA, FILM] = {**cached[ANNA, FILM], "position_seconds": 20}

    assert tale.promises_broken(cached=cached) == {"Redis and PostgreSQL agree"}
    assert tale.promises_broken(cached={}) == set()


def test_a_stop_that_misses_a_session(tale: Tale) -> None:
    """A stop without a session id may miss only a session whose start overlaps it."""
    start = tale.tell("start")
    film = tale.service.films[ANNA, FILM]
    tale.service.films[ANNA, FILM] = film.report(50, Place(None, None))
    asked = tale.asked("stop", ANNA, position_seconds=50)
    answer = {"position_seconds": 50, "session_id": None, "applied": True, "session_ended": False}
    stop = tale.record(asked, answer)
    assert tale.promises_broken() == {"a response matches its effect"}

    index = tale.operations.index(stop)
    tale.operations[index] = replace(stop, invoked_at=start.answered_at)

    assert tale.promises_broken() == set()


def test_a_cache_without_a_lost_write(tale: Tale) -> None:
    """Redis may lack the position of a call that was killed after its commit, until a repeat."""
    cached = {
        film: {**entry, "version": 0} for film, entry in tale.service.evidence().cached.items()
    }
    lost = tale.lose("report", happens=True, position_seconds=40)

    assert tale.promises_broken(cached=cached) == set()
    repeated = tale.record(lost, tale.service.take(lost))

    assert repeated.is_acknowledged
    assert tale.promises_broken(cached=cached) == {"Redis and PostgreSQL agree"}


def test_a_failure_is_found(tale: Tale) -> None:
    """No response is ever a 500."""
    asked = tale.asked("get", ANNA)
    tale.operations.append(replace(asked, status=500, answer={"code": "internal_error"}))

    assert tale.promises_broken() == {"a failure is a 503"}


def test_a_second_session_for_a_key_is_found(tale: Tale) -> None:
    """A start that is repeated with its Idempotency-Key opens no second session."""
    tale.tell("start", key="once")
    tale.tell("start", "bert", key="once")
    assert tale.promises_broken() == set()

    tale.tell("start", key="once")

    assert tale.promises_broken() == {"a key opens one session"}


def test_a_repeat_that_answers_an_ended_session_is_found(tale: Tale) -> None:
    """The repeat of a start returns its session while that is open, and a refusal then."""
    first = tale.tell("start", key="once")
    repeat = tale.asked("start", ANNA, key="once")
    tale.record(repeat, {**first.answer, "resume_position_seconds": 30})
    assert tale.promises_broken() == set()
    refused = replace(tale.asked("start", ANNA, key="once"), status=409)
    tale.operations.append(replace(refused, answer={"code": "session_ended"}))
    assert tale.promises_broken() == {"a response matches its effect"}
    tale.operations.pop()

    session_id = first.answer["session_id"]
    tale.tell("stop", position_seconds=40, session_id=session_id)
    refused = replace(tale.asked("start", ANNA, key="once"), status=409)
    tale.operations.append(replace(refused, answer={"code": "session_ended"}))
    assert tale.promises_broken() == set()
    repeat = tale.asked("start", ANNA, key="once")
    tale.record(repeat, {**first.answer, "resume_position_seconds": 40})
    assert tale.promises_broken() == {"a response matches its effect"}


def test_a_start_that_waits_for_itself_is_found(tale: Tale) -> None:
    """A key is in use only while another attempt with it runs, or may still be running."""
    refused = replace(tale.asked("start", ANNA, key="once"), status=409)
    refused = replace(refused, answer={"code": "request_in_progress"})
    tale.operations.append(refused)
    assert tale.promises_broken() == {"a start waits only for a running try"}
    tale.operations.pop()

    tale.lose("start", happens=False, key="once")
    later = replace(refused, number=refused.number + 1, invoked_at=refused.invoked_at + 1)
    tale.operations.append(replace(later, answered_at=later.invoked_at + 0.1))
    assert tale.promises_broken() == set()

    # A refused start releases its key, unless the database is unavailable.
    tale.operations[-2] = replace(tale.operations[-2], status=404, answer={"code": "no_film"})
    assert tale.promises_broken() == {"a start waits only for a running try"}
    away = Disturbance("cut postgres", later.invoked_at - 1, later.invoked_at - 1)
    assert tale.promises_broken((away,)) == set()


@pytest.mark.parametrize("what", ["nothing", "stop", "kill redis", "Redis is late"])
def test_a_stream_too_many_is_found(what: str) -> None:
    """No start succeeds while the limit of other sessions run, unless Redis cannot count them."""
    tale = Tale()
    first = tale.tell("start")
    if what == "stop":
        tale.tell("stop", position_seconds=9, session_id=first.answer["session_id"])
    tale.tell("start")
    disturbances = (Disturbance("kill redis", 1.5, 1.6),) if what == "kill redis" else ()
    evidence = {"redis_failures": (1.5,)} if what == "Redis is late" else {}

    broken = tale.promises_broken(disturbances, {ANNA: 1}, **evidence)

    assert broken == ({"the stream limit is kept"} if what == "nothing" else set())
    assert tale.promises_broken(disturbances, {ANNA: 2}, **evidence) == set()


@pytest.mark.parametrize("happens", [True, False])
def test_a_call_without_an_answer_may_have_happened(tale: Tale, *, happens: bool) -> None:
    """The outcome of a call without a response is unknown, unless there is evidence."""
    tale.lose("start", happens=happens)
    tale.lose("report", happens=happens, position_seconds=50)
    tale.lose("stop", happens=happens, position_seconds=60)
    tale.tell("get")

    assert tale.promises_broken() == set()


def test_the_story_told_is_short(tale: Tale) -> None:
    """From a long history only the operations that show the violation are reported."""
    session_id = tale.operations[0].answer["session_id"]
    for sequence in range(4, 30):
        tale.tell("report", position_seconds=sequence * 10, session_id=session_id)
    late = tale.tell("report", position_seconds=5, session_id=session_id, sequence=1)
    tale.respell(late, position_seconds=5, applied=True)
    history = History(0, tuple(tale.operations))

    violation = check(history, tale.service.evidence())[0]

    assert late.number in {each.number for each in violation.operations}
    assert len(violation.operations) <= 4


def test_a_history_can_be_kept(tale: Tale, tmp_path: Any) -> None:
    """A recorded history is written as lines of JSON and read back."""
    history = History(7, tuple(tale.operations), (Disturbance("cut redis", 0.5, 0.6),))
    history.write(tmp_path / "history.jsonl")

    assert History.read(tmp_path / "history.jsonl") == history


def simulated(random: Random) -> tuple[History, Evidence]:
    """Return overlapping calls with the responses of a service that keeps its promises.

    Each takes effect at some moment between its beginning and its end; one in six has no response,
    and takes effect at any moment after its beginning, or never.
    """
    service = PerfectService()
    calls = sorted(_calls(random), key=lambda each: each[1])
    effects: list[Operation] = []
    for operation, moment in calls:
        effects.append(_effected(random, service, operation, moment, effects))
    return History(0, tuple(effects)), service.evidence()


def _calls(random: Random) -> Iterator[tuple[Operation, float]]:
    """Yield calls, each with the moment at which it takes effect."""
    for number in range(1, random.randrange(5, 20)):
        began_at = random.uniform(0, 4)
        ended_at = began_at + random.expovariate(4)
        call: Call = random.choice(("start", "report", "report", "report", "stop", "get"))
        moment = random.uniform(began_at, ended_at)
        status: int | None = 200
        if call != "get" and random.random() < 1 / 6:
            status = None
            moment = random.choice((random.uniform(began_at, 9), float("inf")))
        operation = Operation(number, "device", call, ANNA, FILM, {}, began_at, ended_at, status)
        yield operation, moment


def _effected(
    random: Random,
    service: PerfectService,
    operation: Operation,
    moment: float,
    before: list[Operation],
) -> Operation:
    """Apply ``operation``, and return it with its response."""
    sessions = [each.session_told for each in before if each.answered_at < operation.invoked_at]
    known: list[str | None] = [None, *filter(None, sessions)]
    arguments: dict[str, Any] = {}
    if operation.call in ("report", "stop"):
        arguments["position_seconds"] = operation.number
        session_id = random.choice(known)
        if session_id is not None:
            arguments["session_id"] = session_id
            if random.random() < 0.7:
                arguments["sequence"] = random.randrange(9)
    operation = replace(operation, arguments=arguments)
    if moment == float("inf"):
        return operation
    answer = service.take(operation)
    if operation.status is None:
        return operation
    return replace(operation, status=404 if "code" in answer else 200, answer=answer)
