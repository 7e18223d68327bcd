"""A rejected message is tried again after growing pauses, and is a dead letter in the end."""

import re
from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.events.event import Message
from streaming.events.refusal import Refusal
from streaming.repository.database import Database
from streaming.repository.outbox import Outbox
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from tests.conftest import Rows
from tests.integration.relay.conftest import SECONDS
from tests.integration.relay.fake_kafka import FORBIDDEN, UNANSWERED, FakeKafka
from tests.integration.relay.messages import in_kafka, message, put
from tests.support.functions import ROOT

pytestmark = pytest.mark.own_servers


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
