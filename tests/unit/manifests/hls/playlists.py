"""Shared code of the HLS tests: a film, and a function that signs it."""

import re

from streaming.manifests import hls
from streaming.manifests.references import FilmLocation, Reference

ROOT = "https://s3.example/vod/movies/m1/"
FILM = FilmLocation((ROOT,))


def sign(reference: Reference) -> str:
    """Return a URL that contains the reference for which it was made."""
    kind = "copy" if reference.is_manifest else "object"
    kind = "inline" if reference.is_inline else kind
    path = reference.path.replace(" ", "%20")
    query = f"?{reference.query}" if reference.query else ""
    return f"https://signed.example/{kind}/{path}{query}"


def parse(text: str, path: str = "video/index.m3u8", **more: object) -> hls.HlsManifest:
    """Parse a playlist of the film."""
    return hls.parse(text.encode(), path=path, film=FILM, **more)  # type: ignore[arg-type]


def rewrite(text: str, path: str = "video/index.m3u8", **more: object) -> str:
    """Parse a playlist and render it with ``sign``."""
    return parse(text, path, **more).render(sign).decode()


def signed_paths(text: str) -> list[str]:
    """Return kind and path of every signed URL in a rewritten playlist."""
    return re.findall(r'https://signed\.example/([^"\s,?#]*)', text)
