"""Tests of the registry of signed copies."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from streaming.cache.client import Cache
from streaming.delivery.registry import CopyEntry, CopyRegistry, Published
from streaming.delivery.windows import Window
from tests.fakes.cache import MemoryCache
from tests.fakes.copy_registry import MemoryCopyRegistry

WINDOW = Window.at(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), 3600)


@pytest.fixture
def registry(cache: Cache) -> CopyRegistry:
    """The registry in ``cache``."""
    return MemoryCopyRegistry(cache) if isinstance(cache, MemoryCache) else CopyRegistry(cache)


@pytest.fixture
def entry() -> CopyEntry:
    """The entry of a new film."""
    return CopyEntry(uuid4(), "hls", WINDOW, "key")


def test_a_copy_that_is_recorded(registry: CopyRegistry, entry: CopyEntry) -> None:
    """A recorded copy is found with its duration and edition, and no other copy is."""
    assert registry.find(entry) is None
    assert registry.edition(entry) == ""
    assert registry.set(entry, Published(61, ""), 60)

    assert registry.find(entry) == Published(61, "")
    assert registry.find(CopyEntry(uuid4(), "hls", WINDOW, "key")) is None


def test_a_film_of_unknown_duration(registry: CopyRegistry, entry: CopyEntry) -> None:
    """An unknown duration stays unknown."""
    registry.set(entry, Published(None, ""), 60)

    assert registry.find(entry) == Published(None, "")


def test_an_invalidated_copy(registry: CopyRegistry, entry: CopyEntry) -> None:
    """After an invalidation the copy must be published again, with another edition."""
    registry.set(entry, Published(61, ""), 60)
    registry.invalidate(entry, 60)

    edition = registry.edition(entry)
    assert edition
    assert registry.find(entry) is None
    assert not registry.set(entry, Published(61, ""), 60), "it was read before the invalidation"
    assert registry.set(entry, Published(62, edition), 60)
    assert registry.find(entry) == Published(62, edition)


def test_only_one_publishes(registry: CopyRegistry, entry: CopyEntry) -> None:
    """The lock of a copy is held by one request, until that one releases it."""
    claim = registry.claim(entry)
    assert claim is not None
    assert registry.claim(entry) is None

    registry.release(claim)
    other = registry.claim(entry)
    assert other is not None
    registry.release(claim)
    assert registry.claim(entry) is None, "only its holder releases a lock"
    registry.release(other)


def test_a_publication_that_failed(registry: CopyRegistry, entry: CopyEntry) -> None:
    """A failed publication is postponed, until the film is replaced."""
    assert not registry.is_postponed(entry)
    registry.postpone(entry, 60)
    assert registry.is_postponed(entry)

    registry.invalidate(entry, 60)
    assert not registry.is_postponed(entry)


def test_waiting_for_another(registry: CopyRegistry, entry: CopyEntry) -> None:
    """A wait ends when the copy is recorded, or when its lock is released without one."""
    assert registry.await_other(entry, 30) is None

    claim = registry.claim(entry)
    registry.set(entry, Published(61, ""), 60)
    assert registry.await_other(entry, 30) == Published(61, "")
    assert claim is not None
    registry.release(claim)
