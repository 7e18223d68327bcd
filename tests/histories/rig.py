"""The servers of a history, each behind a proxy that disconnects and stalls its connections."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from local.environment import BUCKET
from local.servers.server import Server
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from tests.histories.kafka_log import KafkaLog
from tests.histories.plan import DURATION_SECONDS, FILMS
from tests.histories.redis_servers import RedisServers, running_redis
from tests.support import redis_of_stack
from tests.support.proxies import DEPENDENCIES, Proxies
from tests.support.redis_cluster import RedisNode
from tests.support.redis_trust import use_redis
from tests.support.stored_redis import StoredRedis

_SILENCE = """
    UPDATE stream_sessions
    SET started_at = started_at - interval '6 minutes',
        last_heartbeat_at = last_heartbeat_at - interval '6 minutes'
    WHERE ended_at IS NULL AND right(CAST(id AS text), 1) < '8'
    RETURNING id, user_id, movie_id
"""

_PLAYLIST = f"""#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:{DURATION_SECONDS}
#EXT-X-PLAYLIST-TYPE:VOD
#EXTINF:{DURATION_SECONDS},
segment.ts
#EXT-X-ENDLIST
"""


@dataclass(frozen=True, slots=True)
class Rig:
    """A stack of servers with their proxies; ``variables`` contain the proxies' addresses."""

    stack: Stack
    proxies: Proxies
    variables: dict[str, str]
    kafka_log: KafkaLog
    films: tuple[UUID, ...]
    redis: RedisServers

    @property
    def of_some(self) -> dict[str, str]:
        """The variables of the environments that reach Redis through an address of their own.

        Redis in cluster mode has one address.
        """
        if isinstance(self.redis.used, RedisNode):
            return {}
        return {"REDIS_PORT": str(self.redis.address_of_some.port)}

    @property
    def kafka_port(self) -> int:
        """The port of Kafka, past its proxy."""
        return self.stack.kafka.port

    def server(self, name: str) -> Server:
        """Return a server by name."""
        server: Server = self.redis.used if name == "redis" else getattr(self.stack, name)
        return server

    def kill(self, name: str) -> None:
        """Kill a server as a crash does."""
        self.proxies[name].cut_connections()
        if name == "redis":
            self.redis.address_of_some.cut_connections()
        if name == "kafka":
            # No client gets an acknowledgement any more for messages that the broker loses.
            self.proxies[name].refuse()
            self.kafka_log.turn_page()
        self.server(name).kill()

    def bring_back(self, name: str) -> None:
        """Start a killed server again, on its port."""
        # Kafka would create a requested topic before we do, with other partitions.
        self._start(name)
        self.proxies[name].pass_through()

    def heal(self) -> None:
        """End all faults and restart all stopped servers."""
        for name in DEPENDENCIES:
            if not self.server(name).running:
                self._start(name)
            self.proxies[name].pass_through()
        self.redis.address_of_some.pass_through()

    def _start(self, name: str) -> None:
        self.server(name).start()
        if name == "kafka":
            self.kafka_log.resume()

    def silence(self) -> list[Row]:
        """Set back half of the open sessions by six minutes, as if their players had not reported.

        Returns the id, user and film of each.
        """
        return self.rows(_SILENCE)

    def rows(self, statement: str, **values: Any) -> list[Row]:
        """Run a statement in PostgreSQL without its proxy."""
        database = Database(DatabaseSettings(self.stack.environment["DATABASE_URL"]))
        try:
            return database.run(lambda transaction: transaction.rows(statement, **values))
        finally:
            database.close()


@contextmanager
def running_rig(folder: Path) -> Iterator[Rig]:
    """Start the servers, and stop them afterwards."""
    stack = Stack.temporary(folder, gateway=False, films=False)
    redis_of_stack.use_where_wanted(stack, os.environ)
    if not isinstance(stack.redis, RedisNode):
        stack.redis = StoredRedis(stack.ports.redis_port, stack.state)
    with stack, Proxies(stack) as proxies, running_redis(stack, proxies["redis"]) as redis:
        use_redis(stack)
        films = tuple(uuid4() for _ in range(FILMS))
        for movie_id in films:
            _put_film(stack, movie_id)
        variables = {**proxies.environment, "USER_SERVICE_TIMEOUT": "2", "LOG_LEVEL": "WARNING"}
        yield Rig(stack, proxies, variables, KafkaLog(stack.ports.kafka_port), films, redis)


def _put_film(stack: Stack, movie_id: UUID) -> None:
    """Upload a film: a playlist is sufficient for a start."""
    stack.s3.admin_client.put_object(
        Bucket=BUCKET,
        Key=f"movies/{movie_id}/index.m3u8",
        Body=_PLAYLIST.encode(),
        ContentType="application/vnd.apple.mpegurl",
    )
