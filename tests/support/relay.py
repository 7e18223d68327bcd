"""A relay in a process of its own, which a test may kill: ``python -m tests.support.relay``."""

import os
import time

from streaming.database import Database
from streaming.event_publisher import EventPublisher
from streaming.outbox import Outbox
from streaming.service.relay import RelayOutbox
from streaming.settings import DatabaseSettings, EventSettings


def main() -> None:
    """Relay what the environment's PostgreSQL has to its Kafka until somebody ends this."""
    database = Database(DatabaseSettings.from_environment(os.environ), statement_seconds=10)
    publisher = EventPublisher(EventSettings.from_environment(os.environ))
    relay = RelayOutbox(Outbox(database), publisher)
    while True:
        relay(5, settling_seconds=0)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
