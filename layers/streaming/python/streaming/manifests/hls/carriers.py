"""The tags and attributes that contain URIs, and the kind of object that each URI refers to."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streaming.manifests.hls.attributes import Attribute
from streaming.manifests.references import Kind

# Some packagers refer to the file of a subtitle track instead of a playlist of its segments.
_TEXT_TRACKS = (".vtt", ".webvtt", ".srt")
# An asset may be a media file instead of a playlist.
_MEDIA_FILES = (".mp4", ".m4v", ".m4a", ".mov", ".ts", ".aac", ".mp3")


class Target(NamedTuple):
    """The kind of object that a URI refers to.

    ``kind`` is None for an object that is signed in place; any other kind has a rewritten copy.
    """

    kind: Kind | None = None
    is_inline: bool = False

    def of_path(self, path: str) -> "Target":
        """Return the target of a URI with this ``path``: a media or subtitle file is an object."""
        files = _MEDIA_FILES if self.is_inline else _TEXT_TRACKS
        is_file = self.kind is Kind.MANIFEST and path.lower().endswith(files)
        return OBJECT if is_file else self


OBJECT = Target()
PLAYLIST = Target(Kind.MANIFEST)

# ``is_inline``: players append a query to the URIs of interstitials (RFC 8216bis, appendix D) and
# of content steering (section 7.2).
CARRIERS: dict[str, dict[str, Target]] = {
    "#EXT-X-KEY": {"URI": OBJECT},
    "#EXT-X-SESSION-KEY": {"URI": OBJECT},
    "#EXT-X-MAP": {"URI": OBJECT},
    "#EXT-X-PART": {"URI": OBJECT},
    "#EXT-X-PRELOAD-HINT": {"URI": OBJECT},
    "#EXT-X-SESSION-DATA": {"URI": Target(Kind.JSON)},
    "#EXT-X-CONTENT-STEERING": {"SERVER-URI": Target(Kind.JSON, is_inline=True)},
    "#EXT-X-DATERANGE": {
        "X-ASSET-URI": Target(Kind.MANIFEST, is_inline=True),
        "X-ASSET-LIST": Target(Kind.ASSET_LIST, is_inline=True),
    },
    "#EXT-X-MEDIA": {"URI": PLAYLIST},
    "#EXT-X-I-FRAME-STREAM-INF": {"URI": PLAYLIST},
    "#EXT-X-IMAGE-STREAM-INF": {"URI": PLAYLIST},
    "#EXT-X-RENDITION-REPORT": {"URI": PLAYLIST},
}


def carried_by(tag: str, attributes: Iterable[Attribute]) -> Mapping[str, Target]:
    """Return the attributes of ``tag`` that contain URIs, with the target of each."""
    if tag == "#EXT-X-SESSION-DATA" and ("FORMAT", "RAW") in {each[:2] for each in attributes}:
        return {"URI": OBJECT}
    return CARRIERS[tag]
