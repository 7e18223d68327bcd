"""Inserting messages into the outbox: many in one statement, in their order."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.events.event import Message
from streaming.repository import migrations, outbox_inserts
from streaming.repository.database import Database
from streaming.repository.outbox import Outbox, Outcome, Waiting
from tests.support.databases import empty_database
from tests.support.functions import ROOT

HOSTILE = [
    *("null", "NULL", "", " ", "{}", '{"a": [1, "b"]}', "{a,b}", '"', "'", "\\", "\\u0041", "%s"),
    *(":value", "line\nline", "tab\t", "\u2028", "\U0001f3ac", "; DROP TABLE event_outbox; --"),
]


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """A database of its own, with empty tables."""
    with empty_database(stack) as url, closing(Database(DatabaseSettings(url))) as database:
        migrations.apply(database, ROOT / "migrations")
        yield database


def insert(database: Database, *messages: Message) -> bool:
    """Insert messages in one transaction; return whether they may be sent."""
    return database.run(lambda transaction: outbox_inserts.insert(transaction, messages))


def message(key: str, value: str = "{}") -> Message:
    """Create a message."""
    return Message(uuid4(), "stream.stop", key, value)


def waiting(database: Database) -> list[Message]:
    """Return the messages in the outbox, by their ids."""
    statement = "SELECT event_id, topic, key, value FROM event_outbox ORDER BY id"
    return [Message(**row) for row in database.run(lambda transaction: transaction.rows(statement))]


def test_many_keep_their_order(database: Database) -> None:
    """The ids of a thousand messages of several keys rise in the order of the messages."""
    messages = [message(f"key {number % 7}", f"{number}") for number in range(1000)]

    insert(database, *messages)

    assert waiting(database) == messages


def test_any_text_arrives_unchanged(database: Database) -> None:
    """Keys and values that mean something in JSON, arrays or SQL are stored as they are."""
    messages = [message(f"key {text}", text) for text in HOSTILE]

    insert(database, *messages)

    assert waiting(database) == messages


def test_a_first_message_is_next(database: Database) -> None:
    """Messages may be sent at once if the outbox had none of the first one's key."""
    insert(database, message("busy"))

    assert insert(database, message("free"), message("free"), message("busy"))
    assert not insert(database, message("busy"), message("quiet"))
    assert not insert(database, message("free"))


def test_no_messages(database: Database) -> None:
    """Without messages there is nothing to send."""
    assert not insert(database)
    assert waiting(database) == []


def test_a_repeated_event_is_inserted_once(database: Database) -> None:
    """An event that an earlier attempt inserted stays as it is and may not be sent; others may."""
    known, new = message("key"), message("key")
    insert(database, known)

    assert not insert(database, known, new)
    assert waiting(database) == [known, new]


def test_many_dead_letters_at_once(database: Database) -> None:
    """Each dead message of a batch keeps its own error, and a repeated one its latest."""
    messages = [message(f"key {number}") for number in range(len(HOSTILE))]
    for attempt in ("first", "second"):
        insert(database, *messages)

        def refuse(queues: Sequence[Sequence[Waiting]], attempt: str = attempt) -> Outcome:
            errors = (f"{attempt} {text}" for text in HOSTILE)
            return Outcome(dead={queue[0].id: next(errors) for queue in queues})

        Outbox(database).relay(refuse, after=0, keys=50, per_key=1, settling_seconds=-1)

    letters = database.run(
        lambda transaction: transaction.rows(
            "SELECT event_id, key, value, attempts, error FROM event_dead_letters"
        )
    )
    assert waiting(database) == []
    assert {letter["event_id"]: letter for letter in letters} == {
        each.event_id: {
            "event_id": each.event_id,
            "key": each.key,
            "value": each.value,
            "attempts": 1,
            "error": f"second {text}",
        }
        for each, text in zip(messages, HOSTILE, strict=True)
    }
