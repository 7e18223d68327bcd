"""Remembers which copies are published: in Redis for all, in memory for when Redis is gone.

An invalidation gives a copy a new edition, which lies elsewhere in the bucket. So a publication
that had begun before can neither overwrite what the invalidation publishes nor be handed out.
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

# All three may run twice, when an answer is lost, and say the same.
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
    """The entry of one copy: of a film, in a form, for a window, signed by a key for a host."""

    def __init__(
        self, movie_id: UUID, manifest_type: ManifestType, window: Window, signing_id: str
    ) -> None:
        self.key = keys.signed_copy(movie_id, manifest_type, window.name, signing_id)
        self.lock_key = f"{self.key}:publishing"
        self.failure_key = f"{self.key}:failed"


@dataclass(frozen=True, slots=True)
class Published:
    """What an entry tells: the film's duration in whole seconds, if it is known, and the edition.

    The edition is empty until the film is invalidated.
    """

    duration_seconds: int | None
    edition: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish a copy, of whoever knows ``owner``."""

    entry: CopyEntry
    owner: str


class CopyRegistry:
    """Knows which copies are published, and who is publishing one."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._remembered: dict[str, Published] = {}

    def find(self, entry: CopyEntry) -> Published | None:
        """Return what is known of the copy, or None: it has to be published."""
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
        """Return which edition of the copy a publication that begins now has to write."""
        value = self._cache.get(entry.key)
        if value is not None:
            return _edition(value)
        remembered = self._remembered.get(entry.key) if self._cache.is_down else None
        return remembered.edition if remembered else ""

    def set(self, entry: CopyEntry, published: Published, ttl_seconds: int) -> bool:
        """Tell everybody, for ``ttl_seconds``, that the copy is there.

        False when the film was invalidated since the publication read its edition: then nobody is
        told, and the copy is not to be used. Without Redis nobody can know.
        """
        value = {"duration_seconds": published.duration_seconds, "edition": published.edition}
        arguments = (json.dumps(value), published.edition, ttl_seconds)
        if self._cache.run("set", _SET_IF_SAME_EDITION, entry.key, *arguments) == 0:
            return False
        self._remember(entry, published)
        return True

    def invalidate(self, entry: CopyEntry, ttl_seconds: int) -> None:
        """Have the copy published anew, whatever is published or being published of it.

        Its new edition is known for ``ttl_seconds``, which have to outlast the window.
        """
        value = {"is_invalidated": True, "edition": uuid4().hex[:12]}
        if not self._cache.set(entry.key, value, ttl_seconds):
            logger.warning("Redis does not answer: others may not notice the invalidation")
            return
        self._cache.delete(entry.failure_key)
        self._remembered.pop(entry.key, None)

    def postpone(self, entry: CopyEntry, seconds: int) -> None:
        """Remember for ``seconds`` that the copy could not be published."""
        self._cache.set(entry.failure_key, {}, seconds)

    def is_postponed(self, entry: CopyEntry) -> bool:
        """Tell whether the copy could not be published a while ago."""
        return self._cache.get(entry.failure_key) is not None

    def claim(self, entry: CopyEntry) -> Claim | None:
        """Claim the publication; None when somebody else is at it. Without Redis all may."""
        claim = Claim(entry, json.dumps({"owner": uuid4().hex}))
        arguments = (claim.owner, _LONGEST_PUBLICATION_SECONDS)
        answer = self._cache.run("claim", _CLAIM, entry.lock_key, *arguments)
        return None if answer == 0 else claim

    def release(self, claim: Claim) -> None:
        """Let others publish again, unless the claim has run out and another holds it now."""
        self._cache.run("release", _RELEASE, claim.entry.lock_key, claim.owner)

    def await_other(self, entry: CopyEntry, seconds: float) -> Published | None:
        """Wait, at most ``seconds``, until whoever has the claim has published or given up."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            time.sleep(_POLL_SECONDS)
            # The copy is told of before its claim is released, so the claim is read first.
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
