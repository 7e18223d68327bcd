"""Reads all manifests of a film from the bucket, and parses them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from aws_lambda_powertools.logging import Logger

from streaming.delivery.film_budget import FilmBudget
from streaming.domain.errors import FilmUnplayable, MovieNotFound
from streaming.domain.films import MANIFEST_NAMES, ManifestType
from streaming.manifests import dash, hls, json_document
from streaming.manifests.errors import ManifestError, ManifestTooLarge, NotAManifest
from streaming.manifests.manifest import Manifest
from streaming.manifests.references import FilmLocation, Kind, Nested
from streaming.observability.metrics import emit
from streaming.resilience.deadline import inherited
from streaming.storage.errors import (
    ObjectNameRefused,
    ObjectNotFound,
    ObjectTooLarge,
    ObjectUnreadable,
)

logger = Logger(child=True)

_LARGEST_MANIFEST_BYTES = 16 * 1024 * 1024
_MOST_MANIFESTS = 500
# Enough for a playlist, a rendition, a list of assets, an asset and a rendition of the asset.
_DEEPEST_NESTING = 6
_READERS = 8
_LONGEST_FILM_SECONDS = 2**31 - 1


class ReadableBucket(Protocol):
    """The method of the film bucket that loading a film uses."""

    def read(self, key: str, largest: int) -> bytes:
        """Return an object's bytes.

        Raises ``ObjectNotFound``, ``ObjectTooLarge`` and ``StorageUnavailable``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Copy:
    """A manifest of which a signed copy must be made.

    The same ``path`` may occur with several queries, from which it reads variables. ``depth`` is
    its level of nesting, 0 for the first manifest. ``body`` is its source if it is an HLS playlist;
    ``kind`` is how it was parsed.
    """

    path: str
    query: str
    manifest: Manifest
    depth: int = 0
    body: bytes = b""
    kind: Kind = Kind.MANIFEST


@dataclass(frozen=True, slots=True)
class Film:
    """The manifests of a film; the first is the one that a player loads first.

    ``duration_seconds`` is None if no manifest contains it.
    """

    copies: tuple[Copy, ...]
    duration_seconds: float | None


def load_film(
    bucket: ReadableBucket, prefix: str, manifest_type: ManifestType, location: FilmLocation
) -> Film:
    """Read and parse the film under ``prefix``: its manifest and all nested manifests.

    Raises ``MovieNotFound`` if the manifest does not exist, ``FilmUnplayable`` if it or a nested
    manifest cannot be signed, and ``StorageUnavailable``.
    """
    loader = _Loader(bucket, prefix, manifest_type, location)
    try:
        copies = loader.load_all()
    except ObjectNotFound as error:
        raise MovieNotFound(f"there is no film with a {manifest_type} manifest") from error
    except (ManifestError, ObjectTooLarge, ObjectUnreadable, ObjectNameRefused) as error:
        raise _unplayable(str(error)) from error
    return Film(copies, _duration(copies))


class _Loader:
    """Reads the manifests of one film, level by level, within one budget."""

    def __init__(
        self,
        bucket: ReadableBucket,
        prefix: str,
        manifest_type: ManifestType,
        location: FilmLocation,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._manifest_type = manifest_type
        self._location = location
        self._budget = FilmBudget()
        self._missing: set[tuple[str, str]] = set()

    def load_all(self) -> tuple[Copy, ...]:
        """Return the copies to make. Raises ``ObjectNotFound`` if the first does not exist."""
        entry = Nested(MANIFEST_NAMES[self._manifest_type])
        loaded = [(entry, self._load(entry))]
        everything = list(loaded)
        seen = {(entry.path, entry.query)}
        with ThreadPoolExecutor(_READERS) as pool:
            while generation := _unseen([copy for _, copy in loaded], seen):
                seen.update((nested.path, nested.query) for nested in generation)
                if len(seen) > _MOST_MANIFESTS:
                    raise ManifestTooLarge(f"the film has more than {_MOST_MANIFESTS} manifests")
                if loaded[0][1].depth + 1 >= _DEEPEST_NESTING:
                    raise ManifestTooLarge(
                        f"manifests are nested in more than {_DEEPEST_NESTING} levels"
                    )
                depth = loaded[0][1].depth + 1
                found = list(pool.map(inherited(partial(self._load_nested, depth)), generation))
                loaded = [each for each in found if each is not None]
                everything += loaded
        if self._missing and self._manifest_type == "hls":
            everything = [
                (nested, self._without_missing(nested, each)) for nested, each in everything
            ]
        return tuple(copy for _, copy in everything)

    def _load_nested(self, depth: int, nested: Nested) -> tuple[Nested, Copy] | None:
        """Load a manifest; None if it is missing or invalid, because the film plays without it."""
        try:
            return nested, self._load(nested, depth)
        except (ObjectNotFound, ObjectUnreadable, ObjectNameRefused, NotAManifest) as error:
            emit(RenditionMissing=1)
            logger.warning(
                "a rendition is missing or broken, the film plays without it",
                film=self._prefix,
                path=nested.path,
                reason=repr(error),
            )
            self._missing.add((nested.path, nested.query))
            return None

    def _load(self, nested: Nested, depth: int = 0) -> Copy:
        self._budget.check()
        body = self._bucket.read(self._prefix + nested.path, _LARGEST_MANIFEST_BYTES)
        self._budget.spend(len(body))
        manifest = self._parsed(nested, body, frozenset())
        self._budget.spend(manifest.rendered_bytes)
        kept = body if self._is_hls else b""
        return Copy(nested.path, nested.query, manifest, depth, kept, nested.kind)

    @property
    def _is_hls(self) -> bool:
        return self._manifest_type == "hls"

    def _parsed(self, nested: Nested, body: bytes, missing: frozenset[tuple[str, str]]) -> Manifest:
        variables = dict(nested.variables)
        path, location = nested.path, self._location
        if nested.kind is not Kind.MANIFEST:
            return json_document.parse(body, path=path, film=location, kind=nested.kind)
        if not self._is_hls:
            return dash.parse(body, path=path, film=location, variables=variables)
        return hls.parse(
            body,
            path=path,
            film=location,
            variables=variables,
            query=nested.query,
            missing=missing,
        )

    def _without_missing(self, nested: Nested, copy: Copy) -> Copy:
        is_whole = not any(
            (each.path, each.query) in self._missing for each in copy.manifest.nested
        )
        if is_whole or copy.kind is not Kind.MANIFEST:
            return copy
        manifest = self._parsed(nested, copy.body, frozenset(self._missing))
        return replace(copy, manifest=manifest)


def _unseen(parents: Iterable[Copy], seen: set[tuple[str, str]]) -> list[Nested]:
    found = {
        (nested.path, nested.query): nested
        for parent in parents
        for nested in parent.manifest.nested
        if (nested.path, nested.query) not in seen
    }
    return list(found.values())


def _duration(copies: Iterable[Copy]) -> float | None:
    durations = (copy.manifest.duration_seconds for copy in copies)
    longest = max((duration for duration in durations if duration), default=None)
    # A duration that does not fit the database's integer is invalid and counts as unknown.
    return longest if longest is None or longest <= _LONGEST_FILM_SECONDS else None


def _unplayable(reason: str) -> FilmUnplayable:
    # The reason may quote a manifest, which the caller must not see.
    logger.error("the film cannot be signed", reason=reason)
    return FilmUnplayable("the film's manifests cannot be signed")
