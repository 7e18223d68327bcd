"""Relaying: in order within a key, concurrently, despite rejections and killed relays."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.events.event import Message
from streaming.events.producer import EventProducer
from streaming.events.refusal import Refusal
from streaming.repository.database import Database
from streaming.repository.outbox import Outbox
from streaming.repository.outbox_inserts import insert
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from tests.conftest import Rows
from tests.support.connections import close_connections
from tests.support.emitted import emitted
from tests.support.functions import ROOT, event, forget_environment, invoke
from tests.support.kafka import TOPICS, records
from tests.support.outbox import drain
from tests.support.tcp_proxy import TcpProxy

pytestmark = [pytest.mark.own_servers, pytest.mark.time_limits]

SECONDS = 20.0
FORBIDDEN = Refusal("topic", TopicAuthorizationFailedError())
UNANSWERED = Refusal("unanswered", KafkaTimeoutError())


@pytest.fixture(autouse=True)
def empty_outbox(rows: Rows) -> None:
    """An empty outbox without dead letters."""
    rows("TRUNCATE event_outbox, event_dead_letters")


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Database]:
    """A connection for one relay."""
    connection = Database(DatabaseSettings.from_environment(environment), statement_seconds=10)
    yield connection
    connection.close()


@pytest.fixture
def relay(environment: dict[str, str], database: Database) -> Iterator[RelayOutbox]:
    """A relay to the real Kafka."""
    publisher = EventProducer(EventSettings.from_environment(environment))
    yield RelayOutbox(Outbox(database), publisher)
    close_connections([publisher])


@dataclass
class FakeKafka:
    """Accepts all messages except configured ones, and stores their order over all topics."""

    taken: list[Message] = field(default_factory=list)
    refusals: dict[UUID, Refusal] = field(default_factory=dict)
    closed_topics: dict[str, Refusal] = field(default_factory=dict)
    before_answering: Callable[[], None] = lambda: None

    def deliver(self, messages: Sequence[Message], wait_seconds: float) -> Mapping[UUID, Refusal]:
        """Accept or reject each message."""
        self.before_answering()
        refused = {}
        for message in messages:
            refusal = self.refusals.get(message.event_id) or self.closed_topics.get(message.topic)
            if refusal:
                refused[message.event_id] = refusal
            else:
                self.taken.append(message)
        return refused

    def values(self, key: str) -> list[str]:
        """Return the accepted values of a key, in order."""
        return [message.value for message in self.taken if message.key == key]


def put(database: Database, *messages: Message) -> None:
    """Insert messages into the outbox, each in a separate transaction."""
    for each in messages:
        database.run(partial(insert, messages=[each]))


def message(key: str, value: object, topic: str = "stream.progress") -> Message:
    """Create a message."""
    return Message(uuid4(), topic, key, str(value))


def in_kafka(stack: Stack) -> dict[tuple[str, str], list[str]]:
    """Return the values in Kafka by topic and key, in order."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records(stack.kafka.bootstrap_servers):
        place = (record.topic, record.key.decode())
        found.setdefault(place, []).append(record.value.decode())
    return found


def without_repeats(values: Sequence[str]) -> list[str]:
    """Return the first occurrence of each value, in order."""
    return list(dict.fromkeys(values))


@contextlib.contextmanager
def three_relays(environment: Mapping[str, str]) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run three relays, each in a process."""
    relays = [start_relay(environment) for _ in range(3)]
    try:
        yield relays
    finally:
        for process in relays:
            process.kill()
            process.wait()


def start_relay(environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a relay."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "layers/streaming/python")))
    command = [sys.executable, "-m", "tests.support.relay"]
    variables = {**os.environ, **environment, "PYTHONPATH": paths, "LOG_LEVEL": "CRITICAL"}
    return subprocess.Popen(command, env=variables, cwd=ROOT)


@pytest.mark.parametrize("seed", [1, 2])
def test_order_survives_killed_relays(
    stack: Stack, environment: dict[str, str], database: Database, rows: Rows, seed: int
) -> None:
    """Three relays at once, killed at random: each event arrives, in order within its key."""
    random = Random(seed)
    print(f"seed {seed}")
    keys = [str(uuid4()) for _ in range(20)]
    expected: dict[tuple[str, str], list[str]] = {}
    with three_relays(environment) as relays:
        for number in range(1500):
            key, topic = random.choice(keys), random.choice(TOPICS)
            expected.setdefault((topic, key), []).append(str(number))
            put(database, message(key, number, topic))
            if random.random() < 0.006:
                victim = random.randrange(3)
                relays[victim].kill()
                relays[victim].wait()
                relays[victim] = start_relay(environment)
        ends_at = time.monotonic() + 60
        while rows("SELECT 1 FROM event_outbox LIMIT 1"):
            assert time.monotonic() < ends_at, "the outbox is not emptied"
            time.sleep(0.05)

    arrived = in_kafka(stack)
    assert {place: without_repeats(arrived.get(place, [])) for place in expected} == expected
    assert rows("SELECT 1 FROM event_dead_letters") == []


def test_refused_message_holds_back_its_key_alone(database: Database, rows: Rows) -> None:
    """A rejected message delays its key in every topic; other keys are not delayed."""
    kafka = FakeKafka()
    waiting = [
        message("a", number, topic) for number, topic in enumerate((*TOPICS, *reversed(TOPICS)))
    ]
    others = [message("b", number) for number in range(3)]
    put(database, *waiting, *others)
    kafka.refusals[waiting[2].event_id] = UNANSWERED

    relayed = RelayOutbox(Outbox(database), kafka)(SECONDS, settling_seconds=0)

    assert relayed.relayed == 5
    assert kafka.values("a") == ["0", "1"]
    assert kafka.values("b") == ["0", "1", "2"]
    left = rows(
        "SELECT value, attempts, next_attempt_at > now() AS later FROM event_outbox ORDER BY id"
    )
    assert [(row["value"], row["attempts"]) for row in left] == [
        ("2", 1),
        ("3", 0),
        ("4", 0),
        ("5", 0),
    ]
    assert left[0]["later"] is True


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    weather=st.lists(st.randoms(use_true_random=False), min_size=1, max_size=4),
)
def test_whatever_is_refused_when(
    database: Database, rows: Rows, keys: list[str], weather: list[Random]
) -> None:
    """With different rejections in each run, each key arrives in order except for dead letters."""
    kafka = FakeKafka()
    rows("TRUNCATE event_outbox, event_dead_letters")
    topics = [TOPICS[number % 3] for number in range(len(keys))]
    messages = [
        message(key, n, topic) for n, (key, topic) in enumerate(zip(keys, topics, strict=True))
    ]
    put(database, *messages)
    relay = RelayOutbox(Outbox(database), kafka)
    reasons = (None, None, FORBIDDEN, UNANSWERED, Refusal("message", ValueError("refused")))
    for random in weather:
        drawn = {each.event_id: random.choice(reasons) for each in messages}
        kafka.refusals = {event_id: reason for event_id, reason in drawn.items() if reason}
        relay(SECONDS, settling_seconds=0)
        rows("UPDATE event_outbox SET next_attempt_at = NULL")
    kafka.refusals = {}
    relay(SECONDS, settling_seconds=0)

    dead = {row["event_id"] for row in rows("SELECT event_id FROM event_dead_letters")}
    for key in set(keys):
        alive = [each.value for each in messages if each.key == key and each.event_id not in dead]
        assert kafka.values(key) == alive
    assert rows("SELECT 1 FROM event_outbox") == []


def test_key_is_tried_again_after_its_pause(database: Database, rows: Rows) -> None:
    """A postponed key is skipped, and continues in order when its pause has ended."""
    kafka = FakeKafka()
    first, second, other = message("a", 1), message("a", 2), message("b", 1)
    put(database, first, second, other)
    kafka.refusals[first.event_id] = UNANSWERED
    relay = RelayOutbox(Outbox(database), kafka)
    relay(SECONDS, settling_seconds=0)

    kafka.refusals.clear()
    relay(SECONDS, settling_seconds=0)
    assert kafka.values("a") == []
    rows("UPDATE event_outbox SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")
    relay(SECONDS, settling_seconds=0)

    assert kafka.values("a") == ["1", "2"]


def test_pauses_grow_to_a_quarter_of_an_hour(database: Database, rows: Rows) -> None:
    """Each rejection about doubles the pause, which is randomized by key and has a maximum."""
    kafka = FakeKafka()
    refused = [message(str(key), 1) for key in range(30)]
    put(database, *refused)
    kafka.refusals = {each.event_id: UNANSWERED for each in refused}
    relay = RelayOutbox(Outbox(database), kafka)
    pauses: list[list[float]] = []
    for _ in range(8):
        put(database, message("taken", 1))
        relay(SECONDS, settling_seconds=0)
        statement = """
            SELECT CAST(extract(epoch FROM next_attempt_at - now()) AS float8) AS seconds
            FROM event_outbox
        """
        pauses.append([row["seconds"] for row in rows(statement)])
        rows("UPDATE event_outbox SET next_attempt_at = NULL")

    longest = [min(900, 15 * 2**attempt) for attempt in range(8)]
    for measured, limit in zip(pauses, longest, strict=True):
        assert all(limit / 2 - 5 < seconds <= limit for seconds in measured)
        assert len(set(measured)) > 1


def test_outage_is_no_messages_fault(database: Database, rows: Rows) -> None:
    """While Kafka accepts nothing, no attempt is counted and no pause grows."""
    kafka = FakeKafka()
    messages = [message(str(key), 1) for key in range(5)]
    put(database, *messages)
    kafka.refusals = {each.event_id: UNANSWERED for each in messages}

    assert RelayOutbox(Outbox(database), kafka)(SECONDS, settling_seconds=0).relayed == 0

    counted = "SELECT 1 FROM event_outbox WHERE attempts > 0 OR next_attempt_at IS NOT NULL"
    assert rows(counted) == []


def test_forbidden_topic_is_dead_after_ten_attempts(database: Database, rows: Rows) -> None:
    """A message rejected while others are accepted is dead after 10 attempts; its key continues."""
    kafka = FakeKafka(closed_topics={"stream.stop": FORBIDDEN})
    put(database, message("a", "forbidden", "stream.stop"), message("a", "behind"))
    relay = RelayOutbox(Outbox(database), kafka)
    for attempt in range(10):
        assert rows("SELECT 1 FROM event_dead_letters") == [], attempt
        put(database, message("b", attempt))
        rows("UPDATE event_outbox SET next_attempt_at = NULL")
        relayed = relay(SECONDS, settling_seconds=0)

    (dead,) = rows("SELECT value, attempts, error FROM event_dead_letters")
    assert (dead["value"], dead["attempts"]) == ("forbidden", 10)
    assert "TopicAuthorizationFailedError" in dead["error"]
    assert relayed.left.dead_letters == 1
    assert kafka.values("a") == ["behind"]


def test_many_refused_messages_do_not_starve_others(database: Database, rows: Rows) -> None:
    """If more keys than a batch holds are rejected first, those behind them are still sent."""
    kafka = FakeKafka(closed_topics={"stream.stop": FORBIDDEN})
    insert = """
        INSERT INTO event_outbox (event_id, topic, key, value)
        SELECT gen_random_uuid(), 'stream.stop', CAST(number AS text), 'x'
        FROM generate_series(1, 1200) AS number
    """
    rows(insert)
    put(database, message("late", 1))

    RelayOutbox(Outbox(database), kafka)(SECONDS, settling_seconds=0)

    assert kafka.values("late") == ["1"]


@pytest.mark.parametrize(
    "poison",
    [
        Message(uuid4(), "stream.progress", "a", "x" * 1_100_000),
        Message(uuid4(), "no topic!", "a", "x"),
    ],
    ids=["too large", "illegal topic"],
)
def test_poison_is_buried(
    stack: Stack, relay: RelayOutbox, database: Database, rows: Rows, poison: Message
) -> None:
    """A permanently rejected message leaves the outbox with its error; later ones are sent."""
    key, other = str(uuid4()), str(uuid4())
    poisoned = Message(poison.event_id, poison.topic, key, poison.value)
    put(database, message(key, 1), poisoned, message(key, 2), message(other, 1))

    relayed = relay(SECONDS, settling_seconds=0)

    assert (relayed.relayed, relayed.dead) == (3, 1)
    arrived = in_kafka(stack)
    assert arrived["stream.progress", key] == ["1", "2"]
    assert arrived["stream.progress", other] == ["1"]
    (dead,) = rows("SELECT event_id, topic, key, value, error, died_at FROM event_dead_letters")
    assert (dead["event_id"], dead["key"], dead["value"]) == (poison.event_id, key, poison.value)
    assert dead["error"]
    assert dead["died_at"]


def test_relay_that_hangs_gives_its_keys_back(
    environment: dict[str, str], database: Database, rows: Rows
) -> None:
    """A relay that hangs within its transaction holds its keys for ten seconds at most."""
    key = str(uuid4())
    put(database, message(key, 1), message(key, 2))
    hangs, may_go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        may_go_on.wait(60)

    own = Database(DatabaseSettings.from_environment(environment), statement_seconds=10)
    stuck = RelayOutbox(Outbox(own), FakeKafka(before_answering=hang))

    def relay_and_lose_the_connection() -> None:
        with contextlib.suppress(DatabaseUnavailable):
            stuck(SECONDS, settling_seconds=0)

    thread = threading.Thread(target=relay_and_lose_the_connection)
    thread.start()
    assert hangs.wait(10)
    kafka = FakeKafka()
    other = RelayOutbox(Outbox(database), kafka)
    assert other(SECONDS, settling_seconds=0).relayed == 0

    ends_at = time.monotonic() + 30
    while not kafka.values(key):
        assert time.monotonic() < ends_at, "the keys are not given back"
        other(SECONDS, settling_seconds=0)
        time.sleep(0.2)

    may_go_on.set()
    thread.join(30)
    own.close()
    assert kafka.values(key) == ["1", "2"]
    assert rows("SELECT 1 FROM event_outbox WHERE key = :key", key=key) == []


def test_dead_letters_can_be_looked_at_and_redriven(
    stack: Stack, relay: RelayOutbox, database: Database, rows: Rows
) -> None:
    """The runbook's statements list the dead letters and put them back, in order."""
    key = str(uuid4())
    kafka = FakeKafka(closed_topics={"stream.stop": Refusal("message", ValueError("refused"))})
    put(database, *(message(key, number, "stream.stop") for number in range(3)))
    RelayOutbox(Outbox(database), kafka)(SECONDS, settling_seconds=0)
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    look, redrive = re.findall(r"```sql\n(.*?event_dead_letters.*?)```", runbook, re.DOTALL)

    assert [row["messages"] for row in rows(look)] == [3]
    rows(redrive)
    relay(SECONDS, settling_seconds=0)

    assert in_kafka(stack)["stream.stop", key] == ["0", "1", "2"]
    assert rows("SELECT 1 FROM event_dead_letters") == []


def test_housekeeping_measures_the_outbox(
    environment: dict[str, str],
    database: Database,
    rows: Rows,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Housekeeping relays thousands of events, and measures waiting and dead ones."""
    insert = """
        INSERT INTO event_outbox (event_id, topic, key, value, created_at)
        SELECT gen_random_uuid(), 'stream.progress', CAST(number % 300 AS text), '{}',
            now() - interval '1 hour'
        FROM generate_series(1, 3000) AS number
    """
    rows(insert)
    put(database, message("poison", "x", "no topic!"))
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 hour'")
    # Abandoned sessions of other tests would add waiting events.
    rows("UPDATE stream_sessions SET ended_at = last_heartbeat_at WHERE ended_at IS NULL")
    forget_environment()

    # A run that is out of time leaves the rest to the next one.
    done = [invoke("housekeeping", event("housekeeping"))]
    while done[-1]["waiting"]:
        assert done[-1]["relayed"]
        done.append(invoke("housekeeping", event("housekeeping")))

    assert sum(each["relayed"] for each in done) == 3000
    measured = emitted(capsys.readouterr().out, "OutboxAgeSeconds")[-1]
    assert (measured["OutboxMessages"], measured["OutboxDeadLetters"]) == (0, 1)


def test_events_that_are_switched_off(
    stack: Stack,
    environment: dict[str, str],
    database: Database,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without Kafka no connection is opened: events stay, are measured, and are sent later."""
    waits = message(str(uuid4()), "from before")
    put(database, waits)
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 hour'")
    with TcpProxy(stack.kafka.port, readdress=True) as proxy:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ENABLE_KAFKA", "false")
        forget_environment()

        done = invoke("housekeeping", event("housekeeping"))

        assert proxy.accepted == 0
    assert (done["relayed"], done["waiting"]) == (0, 1)
    (measured,) = emitted(capsys.readouterr().out, "OutboxAgeSeconds")
    assert measured["OutboxMessages"] == 1
    assert measured["OutboxAgeSeconds"] >= 3600

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", environment["KAFKA_BOOTSTRAP_SERVERS"])
    monkeypatch.setenv("ENABLE_KAFKA", "true")
    drain(rows)
    assert in_kafka(stack)[waits.topic, waits.key] == [waits.value]
