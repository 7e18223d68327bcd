"""Inserts events into the outbox, in the transaction of the change that they describe."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from streaming.events.event import Message, StreamEvent
from streaming.repository.pipeline_connection import Statement
from streaming.repository.transaction import Transaction

# A statement does not see its own inserts, so this finds older rows only. It asks for one key: for
# those of an unknown number of rows, PostgreSQL would read the whole outbox. Ids are assigned in
# the order of the sorted rows. The parameter is JSON, because pg8000 writes arrays of texts slowly,
# and a text "null" in one as NULL.
_INSERT = """
    INSERT INTO event_outbox (event_id, topic, key, value)
    SELECT message.event_id, message.topic, message.key, message.value
    FROM ROWS FROM (
        json_to_recordset(CAST(:messages AS json)) AS (
            event_id uuid, topic text, key text, value text
        )
    ) WITH ORDINALITY AS message (event_id, topic, key, value, place)
    ORDER BY message.place
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, NOT EXISTS (
        SELECT FROM event_outbox AS older WHERE older.key = CAST(:first_key AS varchar)
    ) AS is_next
"""

MessageOf = Callable[[StreamEvent], Message | None]
"""Returns the message of an event; None if events are disabled."""


def insert(transaction: Transaction, messages: Sequence[Message]) -> bool:
    """Insert ``messages``, in order, in one statement of the caller's transaction.

    Returns whether they may be sent as soon as they are committed: False if the outbox has older
    messages of the first one's key, which must reach Kafka first.
    """
    if not messages:
        return False
    inserted = transaction.run(insertion(messages))
    # No row is returned for an event that an earlier attempt has inserted.
    first_id = messages[0].event_id
    return any(row["is_next"] and row["event_id"] == first_id for row in inserted)


def insert_events(
    transaction: Transaction, events: Sequence[StreamEvent], message_of: MessageOf
) -> Sequence[Message]:
    """Insert ``events`` as ``insert`` does; return the messages to send after the commit."""
    made = [message_of(event) for event in events]
    messages = [message for message in made if message is not None]
    return messages if insert(transaction, messages) else ()


def values_of(message: Message) -> dict[str, Any]:
    """Return the parameters of ``insert_from``."""
    return {
        "event_id": message.event_id,
        "topic": message.topic,
        "key": message.key,
        "value": message.value,
    }


def insert_from(source: str) -> str:
    """Return SQL that inserts a message if ``source``, the name of a query, has a row.

    Returns a row if it was inserted: whether the outbox has no older messages of its key.
    """
    return f"""
        INSERT INTO event_outbox (event_id, topic, key, value)
        SELECT :event_id, :topic, :key, :value
        FROM {source}
        ON CONFLICT (event_id) DO NOTHING
        RETURNING NOT EXISTS (
            SELECT FROM event_outbox AS older WHERE older.key = event_outbox.key
        ) AS is_next
    """  # noqa: S608


def insertion(messages: Sequence[Message]) -> Statement:
    """Return the statement that inserts ``messages``, in order, each once."""
    rows = [{**values_of(message), "event_id": str(message.event_id)} for message in messages]
    return Statement(_INSERT, {"first_key": messages[0].key, "messages": json.dumps(rows)})
