"""A relay in a separate process that a test can kill: ``python -m tests.support.relay``."""

import os
import time

from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.events.producer import EventProducer
from streaming.repository.database import Database
from streaming.repository.outbox import Outbox
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox


def main() -> None:
    """Relay the outbox of the environment's PostgreSQL to its Kafka until the process is ended."""
    database = Database(DatabaseSettings.from_environment(os.environ), statement_seconds=10)
    publisher = EventProducer(EventSettings.from_environment(os.environ))
    relay = RelayOutbox(Outbox(database), publisher)
    while True:
        relay(5, settling_seconds=0)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
