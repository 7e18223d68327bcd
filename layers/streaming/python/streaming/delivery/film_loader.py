"""Reads all manifests of a film from the bucket, and parses them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Protocol

from aws_lambda_powertools.logging import Logger

from streaming.delivery.embedding import MAX_EMBEDDED_LENGTH, Embedding
from streaming.delivery.film import Copy, Film
from streaming.delivery.film_budget import FilmBudget
from streaming.domain.errors import FilmUnplayable, MovieNotFound
from streaming.domain.films import MANIFEST_NAMES, ManifestType
from streaming.manifests import dash, hls, json_document
from streaming.manifests.errors import ManifestError, ManifestTooLarge, NotAManifest
from streaming.manifests.hls import HlsManifest
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


class ReadableBucket(Protocol):
    """The method of the film bucket that loading a film uses."""

    def read(self, key: str, largest: int) -> bytes:
        """Return an object's bytes.

        Raises ``ObjectNotFound``, ``ObjectTooLarge`` and ``StorageUnavailable``.
        """
        ...


def load_film(
    bucket: ReadableBucket, prefix: str, manifest_type: ManifestType, location: FilmLocation
) -> Film:
    """Read and parse the film under ``prefix``: its manifest and all nested manifests.

    Raises ``MovieNotFound`` if the manifest does not exist, ``FilmUnplayable`` if it or a nested
    manifest cannot be signed, and ``StorageUnavailable``.
    """
    loader = _Loader(bucket, prefix, manifest_type, location)
    try:
        copies, embedding = loader.load_all()
    except ObjectNotFound as error:
        raise MovieNotFound(f"there is no film with a {manifest_type} manifest") from error
    except (ManifestError, ObjectTooLarge, ObjectUnreadable, ObjectNameRefused) as error:
        raise _unplayable(str(error)) from error
    return Film(copies, embedding)


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

    def load_all(self) -> tuple[tuple[Copy, ...], Embedding]:
        """Return the copies to make, and which of them are embedded.

        Raises ``ObjectNotFound`` if the first does not exist.
        """
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
        embedding = self._embedding(copy for _, copy in everything)
        too_long = self._too_long(embedding, (copy for _, copy in everything))
        if self._missing or too_long:
            everything = self._all_without(everything, too_long)
            embedding = self._embedding(copy for _, copy in everything)
        copies = tuple(copy for _, copy in everything)
        self._budget.spend(sum(embedding.added_bytes(copy.manifest) for copy in copies))
        return copies, embedding

    @staticmethod
    def _embedding(copies: Iterable[Copy]) -> Embedding:
        return Embedding({(copy.path, copy.query): copy.manifest for copy in copies})

    def _too_long(self, embedding: Embedding, copies: Iterable[Copy]) -> frozenset[tuple[str, str]]:
        """Return the copies that are too long to be embedded, and notify the operator."""
        found = {
            (reference.path, reference.query)
            for copy in copies
            for reference in copy.manifest.embedded
            if embedding.is_too_long(reference)
        }
        for path, _ in sorted(found):
            self._report(path, f"more than {MAX_EMBEDDED_LENGTH} bytes as a data: URL")
        return frozenset(found)

    def _report(self, path: str, reason: str) -> None:
        emit(RenditionMissing=1)
        logger.warning(
            "a rendition is missing or broken, the film plays without it",
            film=self._prefix,
            path=path,
            reason=reason,
        )

    def _load_nested(self, depth: int, nested: Nested) -> tuple[Nested, Copy] | None:
        """Load a manifest; None if it is missing or invalid, because the film plays without it."""
        try:
            copy = self._load(nested, depth)
            _require_content(copy.manifest)
            return nested, copy
        except (ObjectNotFound, ObjectUnreadable, ObjectNameRefused, NotAManifest) as error:
            self._lose(nested, error)
            return None

    def _load(self, nested: Nested, depth: int = 0) -> Copy:
        self._budget.check()
        body = self._bucket.read(self._prefix + nested.path, _LARGEST_MANIFEST_BYTES)
        self._budget.spend(len(body))
        manifest = self._parsed(nested, body)
        self._budget.spend(manifest.rendered_bytes)
        for reason in manifest.left_out:
            self._report(nested.path, reason)
        return Copy(nested.path, nested.query, manifest, depth, body, nested.kind)

    def _parsed(
        self,
        nested: Nested,
        body: bytes,
        missing: frozenset[tuple[str, str]] = frozenset(),
        too_long: frozenset[tuple[str, str]] = frozenset(),
    ) -> Manifest:
        variables = dict(nested.variables)
        path, location = nested.path, self._location
        if nested.kind is not Kind.MANIFEST:
            return json_document.parse(body, path=path, film=location, kind=nested.kind)
        if self._manifest_type == "dash":
            return dash.parse(body, path=path, film=location, variables=variables, missing=missing)
        return hls.parse(
            body,
            path=path,
            film=location,
            variables=variables,
            query=nested.query,
            missing=missing,
            too_long=too_long,
        )

    def _all_without(
        self, everything: Iterable[tuple[Nested, Copy]], too_long: frozenset[tuple[str, str]]
    ) -> list[tuple[Nested, Copy]]:
        """Return the copies without references to those that are missing or too long.

        A copy of which nothing is left, such as a playlist without variants, is missing itself.
        """
        count = -1
        while count != len(self._missing):
            count = len(self._missing)
            found = [(nested, self._without(nested, copy, too_long)) for nested, copy in everything]
            everything = [(nested, copy) for nested, copy in found if copy is not None]
        return list(everything)

    def _without(
        self, nested: Nested, copy: Copy, too_long: frozenset[tuple[str, str]]
    ) -> Copy | None:
        """Return a copy without references to others, None if nothing is left of it.

        Raises ``NotAManifest`` if nothing is left of the first manifest.
        """
        lost = self._missing | too_long
        is_whole = not any((each.path, each.query) in lost for each in copy.manifest.nested)
        if is_whole or copy.kind is not Kind.MANIFEST:
            return copy
        self._budget.check()
        try:
            manifest = self._parsed(nested, copy.body, frozenset(self._missing), too_long)
        except NotAManifest as error:
            if not copy.depth:
                raise
            self._lose(nested, error)
            return None
        return replace(copy, manifest=manifest)

    def _lose(self, nested: Nested, error: Exception) -> None:
        self._report(nested.path, repr(error))
        self._missing.add((nested.path, nested.query))


def _unseen(parents: Iterable[Copy], seen: set[tuple[str, str]]) -> list[Nested]:
    found = {
        (nested.path, nested.query): nested
        for parent in parents
        for nested in parent.manifest.nested
        if (nested.path, nested.query) not in seen
    }
    return list(found.values())


def _require_content(manifest: Manifest) -> None:
    """Raise ``NotAManifest`` for an empty playlist, with which Shaka plays nothing of the film."""
    if isinstance(manifest, HlsManifest) and manifest.is_empty:
        raise NotAManifest("the playlist has no segments")


def _unplayable(reason: str) -> FilmUnplayable:
    # The reason may quote a manifest, which the caller must not see.
    logger.error("the film cannot be signed", reason=reason)
    return FilmUnplayable("the film's manifests cannot be signed")
