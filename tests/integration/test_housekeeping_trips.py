"""Housekeeping works on sets: its round trips to PostgreSQL do not grow with their rows."""

from contextlib import closing
from uuid import UUID

import pytest

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import Rows
from tests.support.call_costs import TripProxies
from tests.support.functions import ExecutionEnvironment

pytestmark = [pytest.mark.server, pytest.mark.own_servers]

SILENT = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at
    )
    SELECT gen_random_uuid(), gen_random_uuid(), :movie_id, 'hls', now() - interval '1 hour',
        now() - interval '30 minutes'
    FROM generate_series(1, CAST(:count AS integer))
"""


DUE = """
    INSERT INTO films (movie_id)
    SELECT gen_random_uuid()
    FROM generate_series(1, CAST(:count AS integer))
"""


def test_abandoned_sessions(
    stack: Stack, environment: dict[str, str], movie_id: UUID, rows: Rows
) -> None:
    """However many sessions end, four round trips to PostgreSQL; 25 share one to Redis."""
    with (
        TripProxies(stack) as proxies,
        closing(ExecutionEnvironment({**environment, **proxies.environment})) as housekeeping,
    ):
        functions = housekeeping.parts

        def trips_to_end(count: int) -> tuple[int, int]:
            rows(SILENT, movie_id=movie_id, count=count)
            before = proxies.trips
            assert functions.end_abandoned_sessions(clock.now(), 20) == count
            after = proxies.trips
            return after["postgres"] - before["postgres"], after["redis"] - before["redis"]

        # Connects, ends what other tests have left, and brings the script to Redis.
        functions.end_abandoned_sessions(clock.now(), 20)
        trips_to_end(1)

        assert trips_to_end(2) == (4, 1)
        assert trips_to_end(150) == (4, 6)


def test_films_to_check(stack: Stack, environment: dict[str, str], rows: Rows) -> None:
    """Many films are checked in as many round trips to PostgreSQL as two."""
    with (
        TripProxies(stack) as proxies,
        closing(ExecutionEnvironment({**environment, **proxies.environment})) as housekeeping,
    ):
        functions = housekeeping.parts

        def trips_to_check(count: int) -> int:
            rows(DUE, count=count)
            before = proxies.trips["postgres"]
            assert functions.check_films(clock.now(), 20) == count
            return proxies.trips["postgres"] - before

        # Connects, and checks the films of other tests.
        functions.check_films(clock.now(), 20)

        assert trips_to_check(2) == trips_to_check(30)
