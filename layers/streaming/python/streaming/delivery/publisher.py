"""Writes the signed copy of a film: all its manifests, with every URL in them presigned."""

import base64
import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.delivery.embedding import one_variant
from streaming.delivery.film import Copy
from streaming.delivery.film_loader import ReadableBucket, load_film
from streaming.delivery.windows import Window, copy_key
from streaming.domain.errors import FilmUnplayable
from streaming.domain.films import MANIFEST_NAMES, ManifestType, film_prefix
from streaming.manifests.references import FilmLocation, Kind, Reference
from streaming.resilience.deadline import inherited
from streaming.signer.s3_signer import S3Signer
from streaming.storage.errors import ObjectNameRefused

logger = Logger(child=True)

_CONTENT_TYPES: dict[ManifestType, str] = {
    "hls": "application/vnd.apple.mpegurl",
    "dash": "application/dash+xml",
}
_WRITERS = 8


class WritableBucket(ReadableBucket, Protocol):
    """The methods of the film bucket that publishing uses."""

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Put an object. Raises ``StorageUnavailable``."""
        ...


class Publisher:
    """Publishes signed copies of a bucket's films in the same bucket.

    ``signing_id`` identifies the key of ``signer`` and the host of its URLs. ``roots`` are the URLs
    of the bucket, ending in ``/``, for functions and for players: absolute URLs in manifests that
    start with them refer to objects of the bucket.
    """

    def __init__(
        self, bucket: WritableBucket, signer: S3Signer, signing_id: str, roots: tuple[str, ...]
    ) -> None:
        self._bucket = bucket
        self._signer = signer
        self._signing_id = signing_id
        self._roots = roots

    def publish(
        self,
        movie_id: UUID,
        manifest_type: ManifestType,
        window: Window,
        edition: str,
        until: datetime | None,
    ) -> int | None:
        """Write the copy of this window and edition; return the film's whole seconds, if known.

        Its URLs are signed as of the start of the window, so that concurrent publications write the
        same bytes; ``until`` is when the signing key expires. Raises ``MovieNotFound``,
        ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        prefix = film_prefix(movie_id)
        location = FilmLocation(tuple(root + prefix for root in self._roots))
        film = load_film(self._bucket, prefix, manifest_type, location)
        life = window.signature_life(film.longest_seconds, until)
        sign = self._signer.at(window.begins_at, life)

        copies = {(copy.path, copy.query): copy for copy in film.copies}
        # An interstitial is embedded in the playlist of every rendition.
        embedded: dict[tuple[Reference, int], str] = {}

        def key_of(path: str, query: str) -> str:
            return copy_key(window, self._signing_id, edition, movie_id, path, query)

        def url_for(reference: Reference, depth: int = 0) -> str:
            if not reference.is_manifest:
                return sign(prefix + reference.path)
            found = film.embedding.find(reference, depth)
            if found is None:
                return sign(key_of(reference.path, reference.query))
            if (reference, depth) not in embedded:
                copy = copies[reference.path, reference.query]
                if found.is_whole:
                    body = copy.manifest.render(lambda inner: url_for(inner, depth + 1))
                else:
                    body = one_variant(sign(key_of(reference.path, reference.query)))
                embedded[reference, depth] = _data_url(_content_type(copy, manifest_type), body)
            return embedded[reference, depth]

        def write(copy: Copy) -> None:
            self._bucket.write(
                key_of(copy.path, copy.query),
                gzip.compress(copy.manifest.render(url_for), compresslevel=6, mtime=0),
                content_type=_content_type(copy, manifest_type),
                content_encoding="gzip",
                max_age=window.length_seconds,
            )

        entry, *nested = film.copies
        assert entry.path == MANIFEST_NAMES[manifest_type]
        try:
            with ThreadPoolExecutor(_WRITERS) as pool:
                list(pool.map(inherited(write), nested))
            # Written last, so that all manifests to which it refers exist already.
            write(entry)
        except ObjectNameRefused as error:
            logger.exception("the film cannot be signed")
            raise FilmUnplayable("the film's manifests cannot be signed") from error
        duration = film.duration_seconds
        return round(duration) if duration else None


def _content_type(copy: Copy, manifest_type: ManifestType) -> str:
    is_manifest = copy.kind is Kind.MANIFEST
    return _CONTENT_TYPES[manifest_type] if is_manifest else "application/json"


def _data_url(content_type: str, body: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(body).decode()}"
