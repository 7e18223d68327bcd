"""A bucket in memory, which implements the methods of ``FilmBucket``."""

from dataclasses import dataclass, field

from streaming.domain.errors import StorageUnavailable
from streaming.storage.content_encoding import decoded
from streaming.storage.errors import ObjectNameRefused, ObjectNotFound, ObjectTooLarge

_LONGEST_NAME_BYTES = 1024


@dataclass(frozen=True)
class StoredObject:
    """An object with its metadata."""

    body: bytes
    content_type: str = "binary/octet-stream"
    content_encoding: str | None = None
    max_age: int | None = None


@dataclass
class MemoryBucket:
    """Objects by key, in the order in which they were last written.

    While it ``is_down``, every method raises ``StorageUnavailable``. ``keys_read`` lists what was
    read.
    """

    objects: dict[str, StoredObject] = field(default_factory=dict)
    keys_read: list[str] = field(default_factory=list)
    is_down: bool = False

    def read(self, key: str, largest: int) -> bytes:
        """Return the object's bytes, decompressed according to its ``Content-Encoding``.

        Raises as ``FilmBucket.read``.
        """
        self._require(key)
        self.keys_read.append(key)
        if key not in self.objects:
            raise ObjectNotFound(key)
        stored = self.objects[key]
        if len(stored.body) > largest:
            raise ObjectTooLarge(f"{key} has {len(stored.body)} bytes")
        return decoded(stored.body, stored.content_encoding, largest)

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Put ``body`` under ``key``. Raises ``ObjectNameRefused``."""
        self._require(key)
        self.objects.pop(key, None)
        self.objects[key] = StoredObject(body, content_type, content_encoding, max_age)

    def check_object_exists(self, key: str) -> bool:
        """Return whether there is an object ``key``. Raises ``ObjectNameRefused``."""
        self._require(key)
        return key in self.objects

    def _require(self, key: str) -> None:
        if self.is_down:
            raise StorageUnavailable("the storage does not answer")
        if len(key.encode()) > _LONGEST_NAME_BYTES:
            raise ObjectNameRefused(f"the store refuses the name {key[:200]!r}")
