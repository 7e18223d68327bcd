"""Closes the connections of an execution environment, as the end of a Lambda environment does."""

from collections.abc import Iterable
from typing import Any

import httpx
from botocore.client import BaseClient
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from streaming.cache.cluster import ClusteredRedis
from streaming.cache.standalone import StandaloneRedis
from streaming.repository.database import Database
from tests.support.waiting import HUNG_SECONDS


def close_connections(roots: Iterable[object]) -> None:
    """Close the connections of these objects, and of the product's objects that they reference."""
    waiting = list(roots)
    seen: set[int] = set()
    while waiting:
        held = waiting.pop()
        if id(held) in seen:
            continue
        seen.add(id(held))
        if isinstance(held, StandaloneRedis | ClusteredRedis):
            held.disconnect()
        elif isinstance(held, KafkaProducer):
            try:
                held.close(timeout=0)
            except KafkaTimeoutError:
                # It is still open then. Its messages for an unavailable broker expire soon.
                held.close(timeout=HUNG_SECONDS)
        elif isinstance(held, BaseClient | Database | httpx.Client):
            held.close()
        elif type(held).__module__.startswith("streaming."):
            waiting += _attributes(held)


def _attributes(held: object) -> list[Any]:
    slots = [name for kind in type(held).__mro__ for name in getattr(kind, "__slots__", ())]
    listed = [getattr(held, name, None) for name in slots]
    return [*listed, *getattr(held, "__dict__", {}).values()]
