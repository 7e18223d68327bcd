"""A Redis with a snapshot on disk, which tests let it store and load."""

import redis

from local.servers.redis import Redis
from tests.support.waiting import eventually

# A primary waits five seconds before it sends a replica its data, because others may follow.
COPIES_AT_ONCE = ("--repl-diskless-sync-delay", "0")


class StoredRedis(Redis):
    """A Redis that loads its last snapshot when it starts."""

    def launch(self) -> None:
        """Start the server in a folder of its own."""
        self._folder = self.log.parent / f"redis-{self.port}"
        self._folder.mkdir(exist_ok=True)
        self.more_options = ("--dir", str(self._folder), *COPIES_AT_ONCE)
        super().launch()

    @property
    def client(self) -> redis.Redis:
        """A client of this server."""
        return redis.Redis(port=self.port, decode_responses=True)

    def save(self) -> None:
        """Store a snapshot."""
        with self.client as client:
            client.save()

    def forget_snapshot(self) -> None:
        """Delete the snapshot: the next start is empty."""
        (self._folder / "dump.rdb").unlink(missing_ok=True)

    def copy(self, other: "StoredRedis") -> None:
        """Become a replica of ``other``, and a primary again when it has all of its data."""
        with self.client as client:
            client.replicaof("127.0.0.1", str(other.port))
            eventually(lambda: client.info("replication")["master_link_status"] == "up")
            client.replicaof("NO", "ONE")
