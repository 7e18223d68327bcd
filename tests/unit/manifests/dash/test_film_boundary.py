"""URLs of other hosts stay; those of the bucket outside the film are refused."""

import pytest

from streaming.manifests.errors import OutsideFilm
from tests.unit.manifests.dash.manifests import ROOT, mpd, one, parse, rewrite, signed


@pytest.mark.parametrize(
    "representation",
    [
        "<BaseURL>https://cdn.example/a.mp4</BaseURL>",
        '<BaseURL>//cdn.example/</BaseURL><SegmentTemplate media="$Number$" duration="1"/>',
        '<SegmentTemplate media="https://cdn.example/$Number$.m4s" duration="2"/>',
        '<SegmentList duration="3"><SegmentURL media="https://cdn.example/1.m4s"/></SegmentList>',
        '<SegmentList duration="3"><SegmentURL media="data:video/mp4;base64,AAAA"/></SegmentList>',
        "<BaseURL>https://s3.example:444/vod/movies/m1/a.mp4</BaseURL>",
        "<BaseURL>file:///etc/passwd</BaseURL>",
    ],
)
def test_foreign(representation: str) -> None:
    """References to other hosts stay byte for byte."""
    text = one(representation)
    assert text == rewrite(text)


def test_foreign_beside_ours() -> None:
    """A foreign representation keeps its template, although the shared one is removed."""
    text = mpd(
        '<Period><AdaptationSet><SegmentTemplate media="$Number$.m4s" duration="3"'
        f' initialization="{ROOT}$RepresentationID$.mp4"/>'
        '<Representation id="a" bandwidth="1"><BaseURL>https://cdn.example/</BaseURL>'
        '</Representation><Representation id="b" bandwidth="1"/></AdaptationSet></Period>'
    )
    rewritten = rewrite(text)
    assert rewritten.count("<SegmentTemplate") == 1
    assert f'initialization="{signed("a.mp4")}"' in rewritten
    assert "<BaseURL>https://cdn.example/</BaseURL><SegmentTemplate " in rewritten
    assert rewritten.count("<SegmentURL ") == 2
    assert f'<Initialization sourceURL="{signed("b.mp4")}"/>' in rewritten


def test_foreign_initialization() -> None:
    """A foreign initialization segment of our own media stays unsigned, with values filled in."""
    rewritten = rewrite(
        one(
            '<SegmentTemplate initialization="https://cdn.example/$RepresentationID$?a=1&amp;b=2"'
            ' media="$Number$.m4s" duration="6"/>'
        )
    )
    assert '<Initialization sourceURL="https://cdn.example/v1?a=1&amp;b=2"/>' in rewritten


@pytest.mark.parametrize(
    "escape",
    [
        "<BaseURL>../../other/a.mp4</BaseURL>",
        "<BaseURL>%2e%2e/%2e%2e/other/a.mp4</BaseURL>",
        "<BaseURL>..\\..\\a.mp4</BaseURL>",
        "<BaseURL>/vod/movies/m2/a.mp4</BaseURL>",
        "<BaseURL>https://s3.example/vod/movies/m2/a.mp4</BaseURL>",
        "<BaseURL>https://S3.EXAMPLE:443/vod/movies/m2/a.mp4</BaseURL>",
        "<BaseURL>../../m2/</BaseURL><SegmentTemplate media='$Number$' duration='6'/>",
        "<SegmentTemplate media='../../m2/$Number$' duration='6'/>",
        "<SegmentTemplate media='$Number$' initialization='../../m2/i.mp4' duration='6'/>",
        "<SegmentTemplate media='a' index='../../m2/$Number$' duration='6'/>",
        "<SegmentTemplate media='a' bitstreamSwitching='../../m2/b' duration='6'/>",
        "<SegmentList duration='6'><SegmentURL media='../../m2/a'/></SegmentList>",
        "<SegmentList duration='6'><SegmentURL media='a' index='/etc/passwd'/></SegmentList>",
        "<SegmentList duration='6'><Initialization sourceURL='..%2f..%2fm2'/></SegmentList>",
        "<SegmentBase><RepresentationIndex sourceURL='../../m2/x'/></SegmentBase>",
    ],
)
def test_escape(escape: str) -> None:
    """A reference outside the film makes the manifest unplayable, in every element."""
    with pytest.raises(OutsideFilm):
        parse(one(escape))


def test_escape_by_identifier() -> None:
    """A representation's id cannot lead a template out of the film."""
    text = one('<SegmentTemplate media="$RepresentationID$/$Number$" duration="6"/>')
    with pytest.raises(OutsideFilm):
        parse(text.replace('id="v1"', 'id="../../../m2"'))
