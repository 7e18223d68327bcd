"""The values of a JSON document that are URLs of the film are signed, and no others."""

import json

import pytest

from streaming.manifests.json_document import parse
from streaming.manifests.references import FilmLocation, Kind, Nested, Reference

ROOT = "https://s3.example/vod/movies/m1/"
FILM = FilmLocation((ROOT,))


def sign(reference: Reference) -> str:
    """Return a URL that contains the reference."""
    kind = "copy" if reference.is_manifest else "object"
    return f"{kind}:{reference.path}"


def signed(document: object, kind: Kind = Kind.JSON) -> object:
    """Return a document of the film with signed URLs."""
    body = json.dumps(document).encode()
    rendered = parse(body, path="chapters/all.json", film=FILM, kind=kind).render(sign)
    return json.loads(rendered)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("image-url", "1.jpg", "object:chapters/1.jpg"),
        ("imageUrl", "1", "object:chapters/1"),
        ("picture", "../1.jpg#xywh=0,0,9,9", "object:1.jpg#xywh=0,0,9,9"),
        ("trailer", "trailer.m3u8", "copy:chapters/trailer.m3u8"),
        ("title", f"{ROOT}1.jpg", "object:1.jpg"),
    ],
)
def test_url_of_the_film(name: str, value: str, expected: str) -> None:
    """A URL is known by the name of its member, by its extension, or as one of the film."""
    assert signed({name: value}) == {name: expected}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "1.jpg"),
        ("fileName", "1.jpg"),
        ("picture", "a word.jpg"),
        ("url", "https://other.example/1.jpg"),
        ("url", "../../m2/1.jpg"),
        ("picture", "../../m2/1.jpg"),
        ("title", f"{ROOT}../m2/1.jpg"),
        ("title", f"{ROOT}%2e%2e/m2/1.jpg"),
        ("url", f"{ROOT}\\..\\..\\m2\\1.jpg"),
        ("url", "%ff.jpg"),
        ("url", "\ud800.jpg"),
        ("picture", "\ud800.jpg"),
    ],
)
def test_anything_else(name: str, value: str) -> None:
    """Texts, foreign URLs and URLs that leave the film stay as they are."""
    assert signed({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("uri", "path"),
    [("ad.m3u8", "chapters/ad.m3u8"), ("ad", "chapters/ad"), ("ad.m3u8?a=1", "chapters/ad.m3u8")],
)
def test_asset(uri: str, path: str) -> None:
    """An asset is a playlist whatever its name is, unless it is that of a media file."""
    assert signed({"ASSETS": [{"URI": uri}]}, Kind.ASSET_LIST) == {
        "ASSETS": [{"URI": f"copy:{path}"}]
    }
    body = json.dumps({"URI": uri}).encode()
    document = parse(body, path="chapters/all.json", film=FILM, kind=Kind.ASSET_LIST)
    assert document.nested == (Nested(path, query=uri.partition("?")[2]),)
    assert signed({"URI": "ad.mp4"}, Kind.ASSET_LIST) == {"URI": "object:chapters/ad.mp4"}


def test_many_values_of_a_member_with_a_long_name() -> None:
    """The name of a member is examined once, not once for each of its values."""
    document = {"a-" * 100_000: [""] * 100_000 + ["b"] * 100_000}
    assert signed(document) == document
