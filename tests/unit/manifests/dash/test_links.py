"""Links to other resources than segments are signed; what would change requests is left out."""

import pytest

from streaming.manifests.errors import OutsideFilm
from streaming.manifests.references import Nested
from tests.unit.manifests.dash.manifests import PATH, ROOT, mpd, one, parse, rewrite, sign, signed


def test_location_in_a_location() -> None:
    """An invalid MPD does not also become ill-formed XML."""
    text = mpd("<Location>a<Location>b</Location></Location>")
    assert mpd(f"<Location>{signed('video/manifest.mpd', 'copy')}</Location>") == rewrite(text)


def test_picture_of_an_event() -> None:
    """A link of another format is that of an object, and not that of an element of the MPD."""
    names = 'xmlns:s="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    image = f'<s:image {names} xlink:href="a.png"/>'
    manifest = parse(mpd(f"<Period><EventStream><Event>{image}</Event></EventStream></Period>"))
    assert f'xlink:href="{signed("video/a.png")}"' in manifest.render(sign).decode()
    assert manifest.nested == ()


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<Location>manifest.mpd</Location>", ("copy", PATH)),
        ("<Location>other.mpd?session=1</Location>", ("copy", PATH)),
        (f"<Location>{ROOT}{PATH}</Location>", ("copy", PATH)),
        ("<PatchLocation ttl='60'>patch.mpp</PatchLocation>", ("object", "video/patch.mpp")),
        ("<InitializationSet id='1' initialization='i.mp4'/>", ("object", "video/i.mp4")),
        ("<ProgramInformation moreInformationURL='m.html'/>", ("object", "video/m.html")),
    ],
)
def test_links_of_the_manifest(element: str, expected: tuple[str, str]) -> None:
    """URLs of the manifest as a whole are signed; a location is that of our own copy."""
    manifest = parse(mpd(f"{element}<Period/>"))
    assert signed(expected[1], expected[0]) in manifest.render(sign).decode()
    assert manifest.nested == ()


@pytest.mark.parametrize("name", ["Location", "PatchLocation", "ContentSteering"])
def test_foreign_links(name: str) -> None:
    """Links to other hosts stay; links to objects outside the film are rejected."""
    text = mpd(f"<{name}>https://live.example/a</{name}><{name}/><Period/>")
    assert text == rewrite(text)
    with pytest.raises(OutsideFilm):
        parse(text.replace("https://live.example/a", "/elsewhere"))


def event(message: str) -> str:
    """Return a period with an event that contains this message."""
    return f"<Period><EventStream><Event>{message}</Event></EventStream></Period>"


@pytest.mark.parametrize(
    "period",
    [
        "<Period><ImportedMPD>../next.mpd</ImportedMPD></Period>",
        event("<ReplacePresentation url='../next.mpd'/>"),
        event("<InsertPresentation url='../next.mpd'/>"),
    ],
)
def test_other_manifests(period: str) -> None:
    """A manifest that is inserted during playback gets its own signed copy."""
    manifest = parse(mpd(period))
    assert (Nested("next.mpd"),) == manifest.nested
    assert signed("next.mpd", "copy") in manifest.render(sign).decode()


@pytest.mark.parametrize("name", ["SupplementalProperty", "EssentialProperty"])
@pytest.mark.parametrize("scheme", ["chaining", "fallback"])
def test_chained_and_fallback_manifests(scheme: str, name: str) -> None:
    """Each film's manifest that a property names gets its own signed copy; foreign ones stay."""
    element = f'<{name} schemeIdUri="urn:mpeg:dash:{scheme}:2016" value="{{}}"/><Period/>'
    foreign = "https://other.example/a.mpd?x=1&amp;y=2"
    manifest = parse(mpd(element.format(f"../next.mpd {foreign}\n b.mpd")))
    assert (Nested("next.mpd"), Nested("video/b.mpd")) == manifest.nested
    urls = (signed("next.mpd", "copy"), foreign, signed("video/b.mpd", "copy"))
    assert mpd(element.format(" ".join(urls))) == manifest.render(sign).decode()
    text = mpd(element.format(foreign))
    assert text == rewrite(text)


@pytest.mark.parametrize("name", ["SupplementalProperty", "EssentialProperty"])
def test_downloaded_fonts(name: str) -> None:
    """The font of DVB subtitles is signed; a foreign one stays."""
    element = (
        f'<{name} schemeIdUri="urn:dvb:dash:fontdownload:2014" value="1" d:url="{{}}"'
        ' xmlns:d="urn:dvb:dash-extensions:2014-1" d:fontFamily="x" d:mimeType="font/woff"/>'
    )
    text = one("<BaseURL>s.mp4</BaseURL>", "<BaseURL>fonts/</BaseURL>" + element)
    assert element.format(signed("video/fonts/x.woff")) in rewrite(text.format("x.woff"))
    assert element.format("https://f.example/x") in rewrite(text.format("https://f.example/x"))


def test_licence_urls() -> None:
    """Nothing inside ContentProtection is signed, wherever it leads."""
    protection = (
        '<ContentProtection schemeIdUri="urn:uuid:x" xmlns:dashif="https://dashif.org/CPS">'
        "<dashif:Laurl>licence</dashif:Laurl><BaseURL>licence</BaseURL>"
        f"<Location>licence</Location><dashif:Laurl>{ROOT}key</dashif:Laurl></ContentProtection>"
    )
    assert protection in rewrite(one("<BaseURL>a.mp4</BaseURL>", protection))


@pytest.mark.parametrize(
    "element",
    [
        (
            '<EssentialProperty schemeIdUri="urn:mpeg:dash:urlparam:2014"><up:UrlQueryInfo'
            ' xmlns:up="urn:mpeg:dash:schema:urlparam:2014" queryTemplate="$querypart$"'
            ' useMPDUrlQuery="true"/></EssentialProperty>'
        ),
        '<SupplementalProperty schemeIdUri="urn:mpeg:dash:urlparam:2016"/>',
        '<up:ExtUrlQueryInfo xmlns:up="urn:mpeg:dash:schema:urlparam:2016"/>',
        "<ContentSteering>steering.json</ContentSteering>",
        "<ClientDataReporting><CMCDParameters version='1'/></ClientDataReporting>",
    ],
)
def test_what_changes_requests_is_left_out(element: str) -> None:
    """S3 rejects signed URLs with added parameters, so the instructions to add any are removed."""
    assert rewrite(mpd(f"{element}<Period/>")) == mpd("<Period/>")


@pytest.mark.parametrize("place", ["Period", "AdaptationSet", "Representation"])
def test_url_parameters_are_left_out_at_every_level(place: str) -> None:
    """Annex I allows its element in each of these."""
    element = '<EssentialProperty schemeIdUri="urn:mpeg:dash:urlparam:2014"/>'
    plain = one("<BaseURL>v.mp4</BaseURL>")
    start = plain.index(">", plain.index(f"<{place}")) + 1
    assert rewrite(plain[:start] + element + plain[start:]) == rewrite(plain)


def test_other_properties_stay() -> None:
    """Properties that change no request are unchanged."""
    text = mpd('<SupplementalProperty schemeIdUri="urn:mpeg:dash:role:2011" value="x"/><Period/>')
    assert rewrite(text) == text
