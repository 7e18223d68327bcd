"""A film's manifests, read from the bucket and parsed together."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from aws_lambda_powertools.logging import Logger

from streaming.errors import FilmUnplayable, MovieNotFound
from streaming.manifests import dash, hls
from streaming.manifests.errors import ManifestError
from streaming.manifests.manifest import Manifest
from streaming.manifests.references import FilmLocation, Nested
from streaming.signing import MANIFEST_NAMES, ManifestType
from streaming.storage_errors import ObjectNotFound, ObjectTooLarge

logger = Logger(child=True)

_LARGEST_MANIFEST_BYTES = 16 * 1024 * 1024
_MOST_MANIFESTS = 200
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
class Film:
    """The manifests of a film by path; ``entry`` is the path of the one that a player loads.

    ``duration_seconds`` is None when no manifest tells it.
    """

    entry: str
    manifests: Mapping[str, Manifest]
    duration_seconds: float | None


def load_film(
    bucket: ReadableBucket, prefix: str, manifest_type: ManifestType, location: FilmLocation
) -> Film:
    """Read and parse the film below ``prefix``: its manifest and all that it leads to.

    Raises ``MovieNotFound`` when the manifest is not there, ``FilmUnplayable`` when it or a nested
    one cannot be signed, and ``StorageUnavailable``.
    """
    entry = MANIFEST_NAMES[manifest_type]
    manifests: dict[str, Manifest] = {}
    generation = [Nested(entry)]

    def load(nested: Nested) -> Manifest:
        body = bucket.read(prefix + nested.path, _LARGEST_MANIFEST_BYTES)
        if manifest_type == "dash":
            return dash.parse(body, path=nested.path, film=location)
        return hls.parse(body, path=nested.path, film=location, variables=dict(nested.variables))

    try:
        with ThreadPoolExecutor(_READERS) as pool:
            for _ in range(_DEEPEST_NESTING):
                for nested, manifest in zip(generation, pool.map(load, generation), strict=True):
                    manifests[nested.path] = manifest
                generation = _unread(generation, manifests)
                if not generation:
                    return Film(entry, manifests, _duration(manifests.values()))
                if len(manifests) + len(generation) > _MOST_MANIFESTS:
                    raise FilmUnplayable(f"the film has more than {_MOST_MANIFESTS} manifests")
    except ObjectNotFound as error:
        if not manifests:
            raise MovieNotFound(f"there is no film with a {manifest_type} manifest") from error
        raise _unplayable(f"a nested manifest is missing: {error}") from error
    except (ManifestError, ObjectTooLarge) as error:
        raise _unplayable(str(error)) from error
    raise FilmUnplayable("the film's manifests are nested too deeply")


def _unread(generation: list[Nested], manifests: Mapping[str, Manifest]) -> list[Nested]:
    found = {
        nested.path: nested
        for parent in generation
        for nested in manifests[parent.path].nested
        if nested.path not in manifests
    }
    return list(found.values())


def _duration(manifests: Iterable[Manifest]) -> float | None:
    return max((each.duration_seconds for each in manifests if each.duration_seconds), default=None)


def _unplayable(reason: str) -> FilmUnplayable:
    # The reason may quote a manifest, which callers have not paid to see.
    logger.error("the film cannot be signed", reason=reason)
    return FilmUnplayable("the film's manifests cannot be signed")
