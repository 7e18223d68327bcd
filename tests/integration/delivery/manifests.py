"""Small HLS playlists, and their upload as films."""

from uuid import UUID

from local.stack import Stack

TS_FILM = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nchunk_00001.ts\n#EXT-X-ENDLIST\n"
MASTER = b"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1
v/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2
large/index.m3u8
"""
TWO_VARIANTS = {"index.m3u8": MASTER, "v/index.m3u8": TS_FILM, "large/index.m3u8": TS_FILM}
"""The playlists of a film by name."""


def put_manifest(
    stack: Stack, movie_id: UUID, manifest: bytes, name: str = "index.m3u8", **headers: str
) -> None:
    """Upload a film's manifest."""
    key = f"movies/{movie_id}/{name}"
    stack.s3.admin_client.put_object(Bucket="vod", Key=key, Body=manifest, **headers)
