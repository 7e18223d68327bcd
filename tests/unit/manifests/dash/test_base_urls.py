"""BaseURL elements combine over all levels; the first alternative in the film is signed."""

import pytest

from streaming.manifests import dash
from streaming.manifests.references import FilmLocation
from tests.unit.manifests.dash.manifests import PATH, ROOT, mpd, one, parse, rewrite, sign, signed


def test_file_of_an_outer_base() -> None:
    """A file that an outer level names becomes the BaseURL of each representation."""
    text = one("", "<BaseURL>all.mp4</BaseURL>")
    assert one(f"<BaseURL>{signed('video/all.mp4')}</BaseURL>") == rewrite(text)
    text = one('<SegmentBase indexRange="1-2"/>', "<BaseURL>all.mp4</BaseURL>")
    url = f"<BaseURL>{signed('video/all.mp4')}</BaseURL>"
    assert one(f'{url}<SegmentBase indexRange="1-2"/>') == rewrite(text)


@pytest.mark.parametrize(
    ("bases", "path"),
    [
        (("", "", "", ""), "video/1.m4s"),
        (("<BaseURL>a/</BaseURL>", "<BaseURL>b/</BaseURL>", "", ""), "video/a/b/1.m4s"),
        (
            (
                "<BaseURL>a/</BaseURL>",
                "<BaseURL>b/x</BaseURL>",
                "<BaseURL>c/</BaseURL>",
                "<BaseURL>../d/</BaseURL>",
            ),
            "video/a/b/d/1.m4s",
        ),
        (("", "<BaseURL>../audio/</BaseURL>", "", ""), "audio/1.m4s"),
        (("", "", f"<BaseURL>{ROOT}other/</BaseURL>", ""), "other/1.m4s"),
        (("", "", "<BaseURL>/vod/movies/m1/other/</BaseURL>", ""), "other/1.m4s"),
        (
            ("<BaseURL>https://s3.example/vod/</BaseURL>", "<BaseURL>movies/m1/</BaseURL>", "", ""),
            "1.m4s",
        ),
        (("<BaseURL/>", "", "", "<BaseURL></BaseURL>"), "video/1.m4s"),
        (("<BaseURL>a&amp;b/</BaseURL>", "", "", ""), "video/a&b/1.m4s"),
        (("<BaseURL><![CDATA[a&b/]]></BaseURL>", "", "", ""), "video/a&b/1.m4s"),
        (("<BaseURL>a<!-- - -->b/</BaseURL>", "", "", ""), "video/ab/1.m4s"),
        (
            ("<BaseURL>https://cdn.example/</BaseURL><BaseURL>a/</BaseURL>", "", "", ""),
            "video/a/1.m4s",
        ),
        (("<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL>", "", "", ""), "video/a/1.m4s"),
        (
            ("<BaseURL>a/</BaseURL>", "<BaseURL>//s3.example/vod/movies/m1/b/</BaseURL>", "", ""),
            "b/1.m4s",
        ),
    ],
)
def test_base_urls(bases: tuple[str, str, str, str], path: str) -> None:
    """BaseURL elements combine over all levels; those inside the film are removed afterwards."""
    text = mpd(
        f"{bases[0]}<Period>{bases[1]}<AdaptationSet>{bases[2]}"
        f'<Representation id="v" bandwidth="1">{bases[3]}'
        '<SegmentTemplate media="$Number$.m4s" duration="6"/></Representation>'
        "</AdaptationSet></Period>"
    )
    rewritten = rewrite(text)
    assert f'<SegmentURL media="{signed(path)}"/>' in rewritten
    assert rewritten.count("<BaseURL>https://cdn.example/") == rewritten.count("<BaseURL")


def test_alternative_files() -> None:
    """Of several BaseURLs of a file the first in the film is signed; foreign ones stay."""
    foreign = '<BaseURL serviceLocation="x">https://cdn.example/a.mp4</BaseURL>'
    text = one(
        f'{foreign}<BaseURL serviceLocation="y">a.mp4</BaseURL><BaseURL>b.mp4</BaseURL>'
        '<SegmentBase indexRange="1-2"/>'
    )
    own = f'<BaseURL serviceLocation="y">{signed("video/a.mp4")}</BaseURL>'
    assert one(f'{foreign}{own}<SegmentBase indexRange="1-2"/>') == rewrite(text)


def test_foreign_base_keeps_its_relative_children() -> None:
    """A relative BaseURL below a foreign one is also foreign, and stays with its template."""
    text = mpd(
        "<BaseURL>https://cdn.example/</BaseURL><Period><BaseURL>film/</BaseURL><AdaptationSet>"
        '<SegmentTemplate media="$Number$.m4s" duration="2"/><Representation id="a" bandwidth="1">'
        "<BaseURL>a/</BaseURL></Representation></AdaptationSet></Period>"
    )
    assert text == rewrite(text)


def test_second_root() -> None:
    """A URL under any of the film's roots is signed, whichever host the manifest names."""
    film = FilmLocation((ROOT, "https://public.example/vod/movies/m1/"))
    text = one("<BaseURL>https://public.example/vod/movies/m1/a.mp4</BaseURL>")
    manifest = parse(text)
    assert text == manifest.render(sign).decode()
    rewritten = dash.parse(text.encode(), path=PATH, film=film).render(sign).decode()
    assert signed("a.mp4") in rewritten
