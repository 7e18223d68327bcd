"""Messages in the outbox, and in Kafka."""

from functools import partial
from uuid import uuid4

from local.stack import Stack
from streaming.events.event import Message
from streaming.repository.database import Database
from streaming.repository.outbox_inserts import insert
from tests.support.kafka import records


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
