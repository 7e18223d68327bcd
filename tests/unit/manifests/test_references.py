"""Only objects inside the film are signed, also as a browser resolves their URLs."""

from urllib.parse import quote, unquote

import ada_url
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streaming.manifests.errors import OutsideFilm
from streaming.manifests.references import FilmLocation, Reference

ORIGIN = "https://s3.example"
PREFIX = "/vod/movies/m1/"
FILM = FilmLocation((ORIGIN + PREFIX, "https://vod.cdn.example/movies/m1/"))

AWKWARD = f"""
    .. . / // \\ %2e %2E%2e %2f %5c %00 %0a %25 %zz %ff ? # ; : * @ [ ] ~ + é 。 a.ts
    http: https: HTTPS:// https:/ https:/// data: skd: file: javascript: :443 :80 user
    s3.example https://s3.example //s3.example vod movies m1 m2 /vod/movies/m10/
    {PREFIX} {ORIGIN}{PREFIX}
""".split()
awkward = st.sampled_from([*AWKWARD, " ", "\t", "\n", "\0", "\x7f"])
references = st.lists(awkward | st.text(max_size=3), max_size=8).map("".join)
directories = st.sampled_from(["", "video/", "a/b c/", "é/"])


@pytest.mark.unmeasured
@settings(max_examples=1000, deadline=None)
@example(directory="", reference="https:///vod/movies/m1/a.ts")
@example(directory="", reference="https:a.ts")
@example(directory="video/", reference="..//a.ts")
@example(directory="video/", reference="../%2e%2e/m2/a.ts")
@example(directory="", reference="https://S3.EXAMPLE:443/vod/movies/m1/a.ts")
@given(directory=directories, reference=references)
def test_what_is_signed_is_in_the_film(directory: str, reference: str) -> None:
    """A signed reference leads a browser to the same object, inside the film's prefix."""
    try:
        found = FILM.resolve(directory, reference)
    except OutsideFilm:
        return
    base = ORIGIN + PREFIX + quote(directory)
    try:
        seen = ada_url.URL(reference, base=base)
    except ValueError:
        seen = None
    if found is None:
        assert seen is None or not seen.href.startswith(FILM.roots)
        return
    # The reference itself, as a browser resolves it ...
    assert seen is not None
    address = ada_url.URL(seen.href.partition("#")[0].partition("?")[0]).href
    roots = [root for root in FILM.roots if address.startswith(root)]
    assert roots
    assert found.path == unquote(address.removeprefix(roots[0]))
    # ... and the URL that replaces it.
    signed = ORIGIN + PREFIX + quote(found.path, safe="/~")
    assert signed == ada_url.URL(signed).href


@pytest.mark.parametrize(
    ("directory", "reference", "path"),
    [
        ("", "segment 1.ts", "segment 1.ts"),
        ("", "a%20b.ts", "a b.ts"),
        ("", "a+b.ts", "a+b.ts"),
        ("", "a%2Bb.ts", "a+b.ts"),
        ("", "100%.ts", "100%.ts"),
        ("", "%252e%252e/a.ts", "%2e%2e/a.ts"),
        ("", "é/日.ts", "é/日.ts"),
        ("", "a//b.ts", "a//b.ts"),
        ("", "a;b=1.ts", "a;b=1.ts"),
        ("", "./a:1.ts", "a:1.ts"),
        ("", " a.ts ", "a.ts"),
        ("video/", "a.ts", "video/a.ts"),
        ("video/hd/", "../../audio/a.ts", "audio/a.ts"),
        ("video/", "./x/../a.ts", "video/a.ts"),
        ("video/", "../../m1/a.ts", "a.ts"),
        ("video/", "/vod/movies/m1/a.ts", "a.ts"),
        ("video/", "//s3.example/vod/movies/m1/a.ts", "a.ts"),
        ("video/", "https://s3.example/vod/movies/m1/a.ts", "a.ts"),
        ("video/", "HTTPS://S3.example:443/vod/movies/m1/a.ts", "a.ts"),
        ("video/", "https://vod.cdn.example/movies/m1/a.ts", "a.ts"),
        ("video/", "a.ts?token=1", "video/a.ts"),
        ("video/", "a..b/.hidden", "video/a..b/.hidden"),
    ],
)
def test_resolves_inside_the_film(directory: str, reference: str, path: str) -> None:
    """Every valid spelling of a reference leads to its object's key."""
    assert Reference(path) == FILM.resolve(directory, reference)


@pytest.mark.parametrize(
    "reference",
    [
        "../other/a.ts",
        "../m10/a.ts",
        "../../../../../etc/passwd",
        "%2e%2e/m2/a.ts",
        ".%2E/m2/a.ts",
        "..%2fm2/a.ts",
        "a/%2e%2e/%2e%2e/m2/a.ts",
        "..\\m2\\a.ts",
        "..%5cm2%5ca.ts",
        "a%00.ts",
        "a%0a.ts",
        "a\t.ts",
        "%ff.ts",
        "/etc/passwd",
        "/vod/movies/m1",
        "/vod/movies/m1x/a.ts",
        "//s3.example/vod/movies/m2/a.ts",
        "https://s3.example/vod/movies/m2/a.ts",
        "https://S3.EXAMPLE:443/vod/secret",
        "https://user@s3.example/vod/movies/m1/a.ts",
        "https:a.ts",
        "https:/vod/movies/m1/a.ts",
        "https:///vod/movies/m1/a.ts",
        "///vod/movies/m1/a.ts",
        "http:\\\\s3.example\\a",
    ],
)
def test_refuses_what_leaves_the_film(reference: str) -> None:
    """A path outside the film's prefix, in any encoding, is an error."""
    with pytest.raises(OutsideFilm):
        FILM.resolve("", reference)


@pytest.mark.parametrize(
    "reference",
    [
        "https://ads.example/a.ts",
        "http://ads.example:8080/vod/movies/m1/a.ts",
        "//ads.example/a.ts",
        "https://s3.example:9000/vod/movies/m1/a.ts",
        "https://s3.example.evil/vod/movies/m1/a.ts",
        "https://s3.example@evil.example/vod/movies/m1/a.ts",
        "data:text/plain;base64,AAAA",
        "skd://key-id",
        "file:///etc/passwd",
        "urn:uuid:1",
        "//",
    ],
)
def test_leaves_foreign_references_alone(reference: str) -> None:
    """A URL of another host or scheme is not an object of the film."""
    assert FILM.resolve("video/", reference) is None


@pytest.mark.parametrize(
    "root",
    ["", "https://s3.example/vod", "ftp://s3.example/vod/", "https:///vod/", "/vod/movies/m1/"],
)
def test_refuses_a_root_that_is_no_prefix(root: str) -> None:
    """A film requires the absolute URL of a folder; otherwise neighbouring films would match."""
    with pytest.raises(ValueError, match="prefix"):
        FilmLocation((root,))


@given(directory=directories, name=st.text(st.characters(codec="utf-8"), min_size=1))
def test_url_of_is_undone_by_locate(directory: str, name: str) -> None:
    """The URL of a film's object is resolved to that object, or rejected, never to another."""
    path = directory + name
    try:
        assert Reference(path) == FILM.locate(FILM.url_of(path))
    except OutsideFilm:
        unsafe = [segment for segment in path.split("/") if segment in (".", "..")]
        assert unsafe or any(char < " " or char in "\x7f\\" for char in path)
