"""Statements that are prepared by name: PostgreSQL parses and plans them once for each connection.

https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
"""

import hashlib
from functools import lru_cache

UNNAMED = b""

KEEP_PLANS = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"
"""Lets the transaction make plans that are good for all values and for tables of every size.

Otherwise a plan that was made for an empty outbox would read the whole outbox during an outage of
Kafka.
"""


@lru_cache(maxsize=512)
def name_of(sql: str) -> bytes:
    """Return the name of a statement, which is the same on all connections."""
    return hashlib.sha256(sql.encode()).hexdigest()[:32].encode()
