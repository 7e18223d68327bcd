"""Each key arrives in order, whatever is rejected, and whichever relays are killed or hang."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.events.refusal import Refusal
from streaming.repository.database import Database
from streaming.repository.outbox import Outbox
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from tests.conftest import Rows
from tests.integration.relay.conftest import SECONDS
from tests.integration.relay.fake_kafka import FORBIDDEN, UNANSWERED, FakeKafka
from tests.integration.relay.messages import in_kafka, message, put
from tests.support.functions import ROOT
from tests.support.kafka import TOPICS

pytestmark = pytest.mark.own_servers


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
