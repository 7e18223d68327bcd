"""A film's manifests, read from the bucket and parsed together."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from aws_lambda_powertools.logging import Logger

from streaming.deadline import inherited
from streaming.errors import FilmUnplayable, MovieNotFound
from streaming.manifests import dash, hls
from streaming.manifests.errors import ManifestError
from streaming.manifests.manifest import Manifest
from streaming.manifests.references import FilmLocation, Nested
from streaming.signing import MANIFEST_NAMES, ManifestType
from streaming.storage_errors import ObjectNotFound, ObjectTooLarge

logger = Logger(child=True)

_LARGEST_MANIFEST_BYTES = 16 * 1024 * 1024
_MOST_MANIFESTS = 500
_DEEPEST_NESTING = 4
_READERS = 8


class ReadableBucket(Protocol):
    """What loading a film needs of the bucket."""

    def read(self, key: str, largest: int) -> bytes:
        """Return an object's bytes.

        Raises ``ObjectNotFound``, ``ObjectTooLarge`` and ``StorageUnavailable``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Copy:
    """A manifest of which a signed copy has to be made.

    The same ``path`` may be needed under several queries, from which it reads variables.
    """

    path: str
    query: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Film:
    """The manifests of a film, first the one that a player loads.

    ``duration_seconds`` is None when no manifest tells it.
    """

    copies: tuple[Copy, ...]
    duration_seconds: float | None


def load_film(
    bucket: ReadableBucket, prefix: str, manifest_type: ManifestType, location: FilmLocation
) -> Film:
    """Read and parse the film below ``prefix``: its manifest and all that it leads to.

    Raises ``MovieNotFound`` when the manifest is not there, ``FilmUnplayable`` when it or a nested
    one cannot be signed, and ``StorageUnavailable``.
    """
    copies: list[Copy] = []
    seen: set[tuple[str, str]] = set()
    generation = [Nested(MANIFEST_NAMES[manifest_type])]

    def load(nested: Nested) -> Copy:
        body = bucket.read(prefix + nested.path, _LARGEST_MANIFEST_BYTES)
        variables = dict(nested.variables)
        if manifest_type == "dash":
            manifest: Manifest = dash.parse(
                body, path=nested.path, film=location, variables=variables
            )
        else:
            manifest = hls.parse(
                body, path=nested.path, film=location, variables=variables, query=nested.query
            )
        return Copy(nested.path, nested.query, manifest)

    try:
        with ThreadPoolExecutor(_READERS) as pool:
            for _ in range(_DEEPEST_NESTING):
                seen.update((nested.path, nested.query) for nested in generation)
                if len(seen) > _MOST_MANIFESTS:
                    raise _unplayable(f"the film has more than {_MOST_MANIFESTS} manifests")
                loaded = list(pool.map(inherited(load), generation))
                copies += loaded
                generation = _unseen(loaded, seen)
                if not generation:
                    return Film(tuple(copies), _duration(copies))
    except ObjectNotFound as error:
        if not copies:
            raise MovieNotFound(f"there is no film with a {manifest_type} manifest") from error
        raise _unplayable(f"a nested manifest is missing: {error}") from error
    except (ManifestError, ObjectTooLarge) as error:
        raise _unplayable(str(error)) from error
    raise _unplayable(f"manifests are nested more than {_DEEPEST_NESTING} deep")


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
    return max((duration for duration in durations if duration), default=None)


def _unplayable(reason: str) -> FilmUnplayable:
    # The reason may quote a manifest, which callers have not paid to see.
    logger.error("the film cannot be signed", reason=reason)
    return FilmUnplayable("the film's manifests cannot be signed")
