"""HLS multivariant and media playlists (RFC 8216 and its second edition).

A playlist is rewritten in place: the bytes between its URIs stay unchanged, so tags that this
package does not interpret are preserved. No parser library is used, because the existing ones
serialize a playlist again and lose the tags that they do not parse.
"""

from streaming.manifests.hls.manifest import HlsManifest
from streaming.manifests.hls.playlist import parse

__all__ = ["HlsManifest", "parse"]
