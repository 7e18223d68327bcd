"""Signed copies of films in a bucket in memory."""

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.publisher import Publisher
from streaming.delivery.signed_copies import Publisher as CopyPublisher
from streaming.delivery.signed_copies import SignedCopies
from streaming.domain.films import film_prefix
from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey
from tests.fakes.bucket import MemoryBucket, StoredObject
from tests.fakes.cache import MemoryCache
from tests.fakes.copy_registry import MemoryCopyRegistry

NOW = datetime(2026, 2, 3, 4, 10, tzinfo=UTC)
WINDOW_SECONDS = 3600
SIGNER = S3Signer(SigningKey("AKIA", "secret"), region="eu-central-1", bucket="vod")

PLAYLIST = b"""#EXTM3U
#EXT-X-TARGETDURATION:4
#EXTINF:4,
a.ts
#EXTINF:2.5,
b.ts
#EXT-X-ENDLIST
"""
MASTER = b"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1
low/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2
high/index.m3u8
"""
MPD = b"""<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT7S">
<Period><AdaptationSet><Representation id="v" bandwidth="1"><BaseURL>v.mp4</BaseURL>
<SegmentBase indexRange="0-9"/></Representation></AdaptationSet></Period></MPD>
"""


@dataclass
class Site:
    """A bucket and the delivery of its films by signed copies."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    cache: MemoryCache = field(default_factory=lambda: MemoryCache(lambda: NOW))
    lifetime: SigningLifetime = field(default_factory=SigningLifetime)

    def __post_init__(self) -> None:
        """Build the delivery."""
        self.publisher = Publisher(self.bucket, SIGNER, "id", (SIGNER.bucket_url,))
        self.copies = self.environment()

    def environment(
        self, window_seconds: int = WINDOW_SECONDS, publisher: CopyPublisher | None = None
    ) -> SignedCopies:
        """Return the delivery of another execution environment."""
        return SignedCopies(
            SIGNER,
            self.lifetime,
            "id",
            MemoryCopyRegistry(self.cache),
            lambda: publisher or self.publisher,
            3600,
            window_seconds,
        )

    def put(self, movie_id: UUID, path: str, body: bytes, encoding: str | None = None) -> None:
        """Put an object of a film."""
        stored = StoredObject(body, content_encoding=encoding)
        self.bucket.objects[film_prefix(movie_id) + path] = stored

    def film(self) -> UUID:
        """Put a film with an HLS playlist and a DASH manifest."""
        movie_id = uuid4()
        self.put(movie_id, "index.m3u8", PLAYLIST)
        self.put(movie_id, "index.mpd", MPD)
        return movie_id

    def at(self, url: str) -> str:
        """Return the text of the object of a presigned URL."""
        assert "X-Amz-Signature" in parse_qs(urlsplit(url).query), url
        stored = self.bucket.objects[urlsplit(url).path.lstrip("/")]
        body = gzip.decompress(stored.body) if stored.content_encoding == "gzip" else stored.body
        return body.decode()

    @property
    def published(self) -> list[str]:
        """The keys of the signed copies, in the order in which they were written."""
        return [key for key in self.bucket.objects if key.startswith("playback/")]


def uris(playlist: str) -> list[str]:
    """Return the lines of a playlist that are no tags."""
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def expires_at(url: str) -> datetime:
    """Return when a presigned URL expires."""
    query = parse_qs(urlsplit(url).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0]))
