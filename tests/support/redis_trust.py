"""Makes positions in Redis usable at once, which are otherwise distrusted for five seconds."""

from redis import Redis

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database

_TRUST = "UPDATE cache_trust SET servers = ARRAY[:server], trusted_from = now()"


def use_redis(stack: Stack, port: int | None = None) -> None:
    """Let environments that begin now use the stack's Redis, as if it had been in use before.

    ``port`` is that of another server to use instead.
    """
    with Redis(port=port or stack.ports.redis_port, decode_responses=True) as redis:
        server = f"/{redis.info('replication')['master_replid']}"
    database = Database(DatabaseSettings(stack.environment["DATABASE_URL"]))
    try:
        database.run(lambda transaction: transaction.rows(_TRUST, server=server))
    finally:
        database.close()
