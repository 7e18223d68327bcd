"""Records which copies are published: in Redis, and in memory in case Redis does not answer.

An invalidation gives a copy a new edition, which has another key in the bucket. So a publication
that started before can neither overwrite the new edition nor be delivered.
"""

import json
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from aws_lambda_powertools.logging import Logger

from streaming.cache import keys
from streaming.cache.client import Cache
from streaming.delivery.windows import Window
from streaming.domain.films import ManifestType

logger = Logger(child=True)

_MOST_REMEMBERED = 1000
_LONGEST_PUBLICATION_SECONDS = 15
_POLL_SECONDS = 0.1

# Each script may run twice, if an answer is lost; the result is the same.
_CLAIM = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
return 1
"""
_SET_IF_SAME_EDITION = """
local stored = redis.call('GET', KEYS[1])
local edition = ''
if stored then
    local decoded, value = pcall(cjson.decode, stored)
    if decoded and type(value) == 'table' and type(value.edition) == 'string' then
        edition = value.edition
    end
end
if edition ~= ARGV[2] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""


class CopyEntry:
    """The entry of one copy, identified by film, manifest type, window and signing id."""

    def __init__(
        self, movie_id: UUID, manifest_type: ManifestType, window: Window, signing_id: str
    ) -> None:
        self.key = keys.signed_copy(movie_id, manifest_type, window.name, signing_id)
        self.lock_key = keys.publication_lock(self.key)
        self.failure_key = keys.failed_publication(self.key)


@dataclass(frozen=True, slots=True)
class Published:
    """The data of an entry: the film's duration in whole seconds, if known, and the edition.

    The edition is empty until the film is invalidated.
    """

    duration_seconds: int | None
    edition: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The held publication lock of a copy; ``owner`` identifies the holder."""

    entry: CopyEntry
    owner: str


class CopyRegistry:
    """Records which copies are published, and locks their publication. Raises as ``Cache``."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._remembered: dict[str, Published] = {}

    def find(self, entry: CopyEntry) -> Published | None:
        """Return the data of the copy; None if it must be published."""
        value = self._cache.get(entry.key)
        if value is None:
            return self._remembered.get(entry.key) if self._cache.is_down else None
        if value.get("is_invalidated"):
            self._remembered.pop(entry.key, None)
            return None
        duration = value.get("duration_seconds")
        published = Published(duration if isinstance(duration, int) else None, _edition(value))
        self._remember(entry, published)
        return published

    def edition(self, entry: CopyEntry) -> str:
        """Return the edition of the copy that a publication must write if it starts now."""
        value = self._cache.get(entry.key)
        if value is not None:
            return _edition(value)
        remembered = self._remembered.get(entry.key) if self._cache.is_down else None
        return remembered.edition if remembered else ""

    def set(self, entry: CopyEntry, published: Published, ttl_seconds: int) -> bool:
        """Record, for ``ttl_seconds``, that the copy is published.

        Returns False if the film was invalidated since the publication read its edition: then
        nothing is recorded, and the copy must not be used. An invalidation cannot be detected while
        Redis is down.
        """
        value = {"duration_seconds": published.duration_seconds, "edition": published.edition}
        arguments = (json.dumps(value), published.edition, ttl_seconds)
        if self._cache.run("set", _SET_IF_SAME_EDITION, entry.key, *arguments) == 0:
            return False
        self._remember(entry, published)
        return True

    def invalidate(self, entry: CopyEntry, ttl_seconds: int) -> None:
        """Require a new publication of the copy, even if one is running.

        The new edition is recorded for ``ttl_seconds``, which must not end before the window.
        """
        value = {"is_invalidated": True, "edition": uuid4().hex[:12]}
        if not self._cache.set(entry.key, value, ttl_seconds):
            logger.warning("Redis does not answer: other environments may use the former copy")
            return
        self._cache.delete(entry.failure_key)
        self._remembered.pop(entry.key, None)

    def postpone(self, entry: CopyEntry, seconds: int) -> None:
        """Record for ``seconds`` that publishing the copy has failed."""
        self._cache.set(entry.failure_key, {}, seconds)

    def is_postponed(self, entry: CopyEntry) -> bool:
        """Return whether publishing the copy has failed recently."""
        return self._cache.get(entry.failure_key) is not None

    def claim(self, entry: CopyEntry) -> Claim | None:
        """Take the publication lock; None if held. Always granted while Redis is down."""
        claim = Claim(entry, json.dumps({"owner": uuid4().hex}))
        arguments = (claim.owner, _LONGEST_PUBLICATION_SECONDS)
        answer = self._cache.run("claim", _CLAIM, entry.lock_key, *arguments)
        return None if answer == 0 else claim

    def release(self, claim: Claim) -> None:
        """Release the publication lock, unless it has expired and another request holds it."""
        self._cache.run("release", _RELEASE, claim.entry.lock_key, claim.owner)

    def await_other(self, entry: CopyEntry, seconds: float) -> Published | None:
        """Wait until the holder of the lock has published or released it; at most ``seconds``.

        Returns the data of the copy; None if it was not published.
        """
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            time.sleep(_POLL_SECONDS)
            # The holder records the copy before it releases the lock, so the lock is read first.
            is_claimed = self._cache.get(entry.lock_key) is not None
            published = self.find(entry)
            if published is not None or not is_claimed:
                return published
        return None

    def _remember(self, entry: CopyEntry, published: Published) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[entry.key] = published


def _edition(value: dict[str, object]) -> str:
    edition = value.get("edition")
    return edition if isinstance(edition, str) else ""
