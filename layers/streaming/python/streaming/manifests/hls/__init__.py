"""HLS playlists (RFC 8216 and its second edition), multivariant and media alike.

A playlist is rewritten in place: the bytes between its URIs stay exactly as they were, so nothing
that a player understands and this package does not can be lost. No parser library is used, because
those that exist write a playlist anew from what they understood of it.
"""

from streaming.manifests.hls.playlist import HlsManifest, parse

__all__ = ["HlsManifest", "parse"]
