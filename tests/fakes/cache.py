"""Redis in memory: JSON objects by key, each with a time to live."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from streaming.cache.client import Cache
from streaming.domain import clock
from streaming.resilience.cache_trust import CacheServer


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the time when it expires."""

    value: Any
    expires_at: datetime


class MemoryCache(Cache):
    """JSON objects by key. While it ``is_down``, every operation fails as if Redis did not answer.

    ``now`` is Redis' clock.
    """

    is_down = False
    server = CacheServer("1")
    # How often clients have closed their connections.
    reconnections = 0

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self.now = now
        self.entries: dict[str, Entry] = {}

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the object under ``key``, or None."""
        text = None if self.is_down else self.read(key)
        value = json.loads(text) if isinstance(text, str) else None
        return value if isinstance(value, dict) else None

    @contextmanager
    def reading_ahead(self, keys: Sequence[str]) -> Iterator[None]:
        """Read nothing: there are no round trips."""
        yield

    def set(self, key: str, value: dict[str, Any], ttl_seconds: int) -> bool:
        """Put ``value`` under ``key`` for ``ttl_seconds``; return whether Redis answered."""
        if self.is_down:
            return False
        self.write(key, json.dumps(value), timedelta(seconds=ttl_seconds))
        return True

    def get_with_server(self, key: str) -> tuple[dict[str, Any] | None, CacheServer] | None:
        """Return what ``get`` does, with the server; None while Redis is down."""
        return None if self.is_down else (self.get(key), self.server)

    def set_if_newer(self, key: str, value: dict[str, Any], ttl_seconds: int) -> CacheServer | None:
        """Put ``value`` under ``key`` unless the stored ``version`` is equal or greater."""
        if self.is_down:
            return None
        stored = self.get(key)
        if stored is None or _is_newer(value, stored):
            self.set(key, value, ttl_seconds)
        return self.server

    def reconnect(self) -> None:
        """Count the reconnections."""
        self.reconnections += 1

    def delete(self, key: str) -> bool:
        """Remove ``key``; return whether Redis answered."""
        if self.is_down:
            return False
        self.entries.pop(key, None)
        return True

    def run(self, operation: str, script: str, key: str, *arguments: str | int) -> Any:
        """Raise ``NotImplementedError``, because Lua scripts need a server."""
        raise NotImplementedError(operation)

    def run_along(self, script: str, key: str, *arguments: str | int) -> None:
        """Raise ``NotImplementedError``, because Lua scripts need a server."""
        raise NotImplementedError(key)

    def read(self, key: str) -> Any:
        """Return the value under ``key``; None if there is none or it has expired."""
        entry = self.entries.get(key)
        return entry.value if entry and self.now() < entry.expires_at else None

    def write(self, key: str, value: Any, life: timedelta) -> None:
        """Put ``value`` under ``key`` until ``life`` has passed."""
        self.entries[key] = Entry(value, self.now() + life)


def _is_newer(value: dict[str, Any], stored: dict[str, Any]) -> bool:
    version = stored.get("version")
    if not isinstance(version, int | float):
        return True
    if version != value["version"]:
        return bool(value["version"] > version)
    return (value.get("recorded_at") or "") > (stored.get("recorded_at") or "")
