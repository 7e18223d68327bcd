"""An empty outbox, and a relay to the real Kafka."""

from collections.abc import Iterator

import pytest

from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.events.producer import EventProducer
from streaming.repository.database import Database
from streaming.repository.outbox import Outbox
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from tests.conftest import Rows
from tests.support.connections import close_connections

# How long a relay may run.
SECONDS = 20.0


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
