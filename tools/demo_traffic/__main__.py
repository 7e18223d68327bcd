"""``make demo-traffic``: sends a week of invented viewing to Kafka, and waits until it is counted.

It uses the servers of the running ``make run``, unless DATABASE_URL is set.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from local.demo_catalogue import CATALOGUE
from local.demo_film import DEMO_FILMS
from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.domain.errors import StreamingError
from streaming.events.event import Message, StreamEvent
from streaming.events.producer import EventProducer
from streaming.repository.database import Database
from streaming.repository.films import Films
from tools.console import Meter
from tools.demo_traffic.viewing import week
from tools.local_stack import settings_of_servers

ROOT = Path(__file__).parents[2]
BATCH = 500
SEND_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
SAMPLE = 200

_COUNT_SAMPLE = """
    SELECT count(*) AS counted
    FROM jsonb_to_recordset(CAST(:sample AS jsonb)) AS sent (session_id uuid, event_id uuid)
    JOIN analytics_events USING (session_id, event_id)
"""


class TrafficError(Exception):
    """The traffic cannot be sent or is not counted; the message says why."""


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="make demo-traffic", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another seed, other viewers")
    parser.add_argument("--viewings", type=int, default=900, help="sittings in seven days")
    parser.add_argument("--live", action="store_true", help="go on in real time, until Ctrl-C")
    options = parser.parse_args()
    try:
        environment = _environment()
        now = datetime.now(UTC)
        events = week(options.seed, now.date(), options.viewings)
        past = [event for event in events if event.timestamp <= now]
        traffic = Traffic(environment)
        with closing(traffic):
            traffic.list_films(now)
            traffic.send(past)
            traffic.await_counted(past)
            if options.live:
                traffic.go_on([event for event in events if event.timestamp > now])
    except KeyboardInterrupt:
        return 130
    except (TrafficError, StreamingError, OSError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    print(
        f"{environment.get('API_URL', '')}/dashboard shows it. TRAFFIC=--live goes on in real time."
    )
    return 0


class Traffic:
    """Sends events, and sees in the database whether they are counted."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._prefix = EventSettings.topic_prefix_of(environment)
        self._producer = EventProducer(EventSettings.from_environment(environment))
        self._database = Database(DatabaseSettings.from_environment(environment))

    def close(self) -> None:
        """Close the connection to the database."""
        self._database.close()

    def list_films(self, now: datetime) -> None:
        """Save the films' lengths, which a real start reads from the manifest."""
        films = Films(self._database)
        playable = {film.movie_id for film in DEMO_FILMS}
        for film in CATALOGUE:
            films.keep(UUID(film.movie_id), film.duration_seconds, now)
            if film.movie_id not in playable:
                films.mark(UUID(film.movie_id), now, is_there=False)

    def send(self, events: Sequence[StreamEvent]) -> None:
        """Send ``events``. Raises ``TrafficError`` if Kafka does not take them for a minute."""
        meter = Meter("Sending ")
        for first in range(0, len(events), BATCH):
            part = [event.to_message(self._prefix) for event in events[first : first + BATCH]]
            self._deliver(part)
            meter.show((first + len(part)) / len(events))
        meter.finish(f"{len(events):,} events")

    def await_counted(self, events: Sequence[StreamEvent]) -> None:
        """Wait until the consumer has counted ``events``, judged by a sample with the last ones.

        Raises ``TrafficError`` if it makes no progress for a minute.
        """
        chosen = {*range(0, len(events), max(1, len(events) // SAMPLE))}
        chosen |= {*range(max(0, len(events) - SAMPLE), len(events))}
        sample = json.dumps(
            [
                {"session_id": str(event.session_id), "event_id": str(event.event_id)}
                for event in (events[index] for index in sorted(chosen))
            ]
        )
        meter, counted, changed_at = Meter("Counting"), 0, time.monotonic()
        while counted < len(chosen):
            (found,) = self._database.query(_COUNT_SAMPLE, sample=sample)
            if found["counted"] != counted:
                counted, changed_at = found["counted"], time.monotonic()
            elif time.monotonic() - changed_at > PATIENCE_SECONDS:
                raise TrafficError("the events are not counted; is the gateway of make run up?")
            meter.show(counted / len(chosen))
            if counted < len(chosen):
                time.sleep(0.5)
        meter.finish(f"{len(events):,} events")

    def go_on(self, events: Sequence[StreamEvent]) -> None:
        """Send each of ``events`` when its time comes."""
        print("Going on in real time; Ctrl-C ends it.")
        for event in events:
            time.sleep(max(0.0, (event.timestamp - datetime.now(UTC)).total_seconds()))
            self._deliver([event.to_message(self._prefix)])

    def _deliver(self, messages: Sequence[Message]) -> None:
        """Send until all are acknowledged. A repeated message is counted once."""
        end = time.monotonic() + PATIENCE_SECONDS
        while messages:
            refused = self._producer.deliver(messages, SEND_SECONDS)
            messages = [message for message in messages if message.event_id in refused]
            if messages and time.monotonic() > end:
                raise TrafficError(f"Kafka does not take the events: {refused.popitem()[1].error}")
            if messages:
                time.sleep(1)


def _environment() -> Mapping[str, str]:
    found = settings_of_servers(os.environ)
    if found is None:
        raise TrafficError("make run is not up yet; start it in another terminal")
    return found


if __name__ == "__main__":
    sys.exit(main())
