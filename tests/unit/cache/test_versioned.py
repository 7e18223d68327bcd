"""The server that an answer of Redis comes from."""

import pytest

from streaming.cache.versioned import server_of
from streaming.resilience.cache_trust import CacheServer

FIRST = "0bbb632ea5fcab8c14619bd7d76610144c4ca530"
SECOND = "9d1d0b2c4f5e6a7b8c9d0e1f2a3b4c5d6e7f8090"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (f"{FIRST} {'0' * 40}", CacheServer(FIRST)),
        (f"{SECOND} {FIRST}", CacheServer(SECOND, FIRST)),
        (f"{FIRST} ", CacheServer(FIRST)),
        ("", CacheServer("")),
    ],
)
def test_replication_ids(told: str, expected: CacheServer) -> None:
    """Ids keep the zeros at their ends; only an id that is all zeros means no predecessor."""
    assert server_of(told, "") == expected
