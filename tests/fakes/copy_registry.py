"""The registry of signed copies, in a cache in memory, which runs no Lua scripts."""

import json
from datetime import timedelta
from uuid import uuid4

from streaming.delivery.registry import Claim, CopyEntry, CopyRegistry, Published
from tests.fakes.cache import MemoryCache

_LOCK_LIFE = timedelta(seconds=15)


class MemoryCopyRegistry(CopyRegistry):
    """Does the work of each script without interruption."""

    def __init__(self, cache: MemoryCache) -> None:
        super().__init__(cache)
        self.cache = cache

    def set(self, entry: CopyEntry, published: Published, ttl_seconds: int) -> bool:
        """Record the copy; return False if the film was invalidated."""
        stored = self.cache.get(entry.key) or {}
        if self.cache.is_down:
            self._remember(entry, published)
            return True
        if stored.get("edition", "") != published.edition:
            return False
        value = {"duration_seconds": published.duration_seconds, "edition": published.edition}
        self.cache.set(entry.key, value, ttl_seconds)
        self._remember(entry, published)
        return True

    def claim(self, entry: CopyEntry) -> Claim | None:
        """Take the publication lock; None if held. Always granted while Redis is down."""
        claim = Claim(entry, json.dumps({"owner": uuid4().hex}))
        if not self.cache.is_down:
            if self.cache.get(entry.lock_key) is not None:
                return None
            self.cache.write(entry.lock_key, claim.owner, _LOCK_LIFE)
        return claim

    def release(self, claim: Claim) -> None:
        """Release the lock, unless another request holds it."""
        if self.cache.read(claim.entry.lock_key) == claim.owner:
            self.cache.delete(claim.entry.lock_key)
