"""Every element of an MPD that can hold a URL, alone and combined with its context."""

import pytest

from streaming.manifests import dash
from streaming.manifests.errors import NotAManifest, OutsideFilm
from streaming.manifests.references import FilmLocation, Nested
from tests.unit.manifests.dash.manifests import (
    FILM,
    NAMESPACE,
    PATH,
    ROOT,
    before_and_after,
    mpd,
    one,
    parse,
    rewrite,
    sign,
    signed,
)

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        ("<BaseURL>a.mp4</BaseURL>", ["video/a.mp4"]),
        (
            (
                '<BaseURL> a.mp4\n</BaseURL><SegmentBase indexRange="800-900">'
                '<Initialization range="0-799"/></SegmentBase>'
            ),
            ["video/a.mp4"],
        ),
        (
            (
                '<BaseURL>a.mp4</BaseURL><SegmentBase><Initialization sourceURL="i.mp4"/>'
                '<RepresentationIndex sourceURL="x.sidx" range="0-9"/></SegmentBase>'
            ),
            ["video/a.mp4", "video/i.mp4", "video/x.sidx"],
        ),
        (
            (
                '<SegmentList duration="3"><Initialization sourceURL="i.mp4"/>'
                '<BitstreamSwitching sourceURL="b.mp4"/>'
                '<SegmentURL media="1.m4s" index="1.sidx"/><SegmentURL media="2.m4s"/>'
                "</SegmentList>"
            ),
            ["video/i.mp4", "video/b.mp4", "video/1.m4s", "video/1.sidx", "video/2.m4s"],
        ),
        (
            (
                '<BaseURL>a.mp4</BaseURL><SegmentList duration="3"><Initialization range="0-9"/>'
                '<SegmentURL mediaRange="10-20"/><SegmentURL mediaRange="21-30"/></SegmentList>'
            ),
            ["video/a.mp4"],
        ),
        (
            (
                '<SegmentTemplate initialization="i.mp4" media="$Number$.m4s" index="$Number$.sidx"'
                ' bitstreamSwitching="b.mp4" duration="3"/>'
            ),
            [
                *("video/i.mp4", "video/b.mp4"),
                *("video/1.m4s", "video/1.sidx", "video/2.m4s", "video/2.sidx"),
            ],
        ),
        (
            '<SegmentTemplate index="x.sidx" media="$Number$.m4s" duration="6"/>',
            ["video/x.sidx", "video/1.m4s"],
        ),
        (
            (
                '<SegmentTemplate media="$Number$.m4s" duration="6">'
                '<Initialization sourceURL="i.mp4"/></SegmentTemplate>'
            ),
            ["video/i.mp4", "video/1.m4s"],
        ),
    ],
)
def test_segment_information(information: str, expected: list[str]) -> None:
    """In each kind of segment information URLs are signed, in order, with the same segments."""
    text = one(information)
    rewritten = rewrite(text)
    positions = [rewritten.index(f"{signed(path)}") for path in expected]
    assert sorted(positions) == positions
    assert len(expected) == rewritten.count("https://signed.example/")
    before, after = before_and_after(text)
    assert before == after


def test_template_becomes_a_list() -> None:
    """The list replaces the template; attributes and children not of a template stay with it."""
    text = one(
        '<SegmentTemplate timescale="10" duration="40" startNumber="7" media="$Number$.m4s"'
        ' initialization="$RepresentationID$.mp4" availabilityTimeOffset="INF">'
        "<FailoverContent/><!-- gone with the template --></SegmentTemplate>"
    )
    expected = one(
        '<SegmentList timescale="10" duration="40" availabilityTimeOffset="INF">\n'
        f'<Initialization sourceURL="{signed("video/v1.mp4")}"/>\n'
        "<FailoverContent/>\n"
        f'<SegmentURL media="{signed("video/7.m4s")}"/>\n'
        f'<SegmentURL media="{signed("video/8.m4s")}"/>\n'
        "</SegmentList>"
    )
    assert expected == rewrite(text)


def test_inheritance() -> None:
    """Attributes and children of all levels are merged, the innermost first; none stays above."""
    text = mpd(
        '<Period><SegmentTemplate timescale="10" initialization="$RepresentationID$/i.mp4"/>'
        '<AdaptationSet><SegmentTemplate duration="30" media="$Number$.m4s"/>'
        '<Representation id="a" bandwidth="1"/>'
        '<Representation id="b" bandwidth="2"><BaseURL>b/</BaseURL>'
        '<SegmentTemplate media="$Bandwidth$-$Number$.m4s"/></Representation></AdaptationSet>'
        '<AdaptationSet><Representation id="c" bandwidth="3"><SegmentTemplate media="$Time$">'
        '<SegmentTimeline><S d="60"/></SegmentTimeline></SegmentTemplate></Representation>'
        "</AdaptationSet></Period>"
    )
    before, after = before_and_after(text)
    assert before == after
    assert "SegmentTemplate" not in rewrite(text)
    assert "<Period>\n" not in rewrite(text)


def test_inherited_list() -> None:
    """A list that representations share is copied into each, resolved against its own base."""
    text = mpd(
        '<Period><AdaptationSet><SegmentList duration="3" timescale="1">'
        '<Initialization sourceURL="i.mp4"/><SegmentURL media="1.m4s"/>'
        '<SegmentURL media="2.m4s"/></SegmentList>'
        '<Representation id="a" bandwidth="1"><BaseURL>a/</BaseURL></Representation>'
        '<Representation id="b" bandwidth="1"><BaseURL>b/</BaseURL>'
        '<SegmentList presentationTimeOffset="5"/></Representation></AdaptationSet></Period>'
    )
    before, after = before_and_after(text)
    assert before == after
    assert rewrite(text).count("<SegmentList ") == 2
    assert "BaseURL" not in rewrite(text)


def test_inherited_from_below() -> None:
    """An outer list is also moved if it is, against the schema, after those that inherit it."""
    text = mpd(
        '<Period><AdaptationSet><Representation id="a" bandwidth="1"/>'
        '<SegmentList duration="3"><SegmentURL media="1.m4s"/><SegmentURL media="2.m4s"/>'
        "</SegmentList></AdaptationSet></Period>"
    )
    before, after = before_and_after(text)
    assert before == after
    assert rewrite(text).count("<SegmentList") == 1


def test_no_number_in_an_initialization() -> None:
    """All segments share their initialization: a number in its template is not a variable."""
    text = one('<SegmentTemplate media="$Number$" duration="6" initialization="$Number$.mp4"/>')
    path = "video/$Number$.mp4"
    assert f'<Initialization sourceURL="{signed(path)}"/>' in rewrite(text)


def test_location_in_a_location() -> None:
    """An invalid MPD does not also become ill-formed XML."""
    text = mpd("<Location>a<Location>b</Location></Location>")
    assert mpd(f"<Location>{signed('video/manifest.mpd', 'copy')}</Location>") == rewrite(text)


def test_inherited_segment_base() -> None:
    """A base without URLs stays in place; one with URLs moves into its representations."""
    without = one("<BaseURL>a.mp4</BaseURL>", '<SegmentBase indexRange="1-2"/>')
    assert without.replace(">a.mp4<", f">{signed('video/a.mp4')}<") == rewrite(without)
    text = one(
        "<BaseURL>x/a.mp4</BaseURL>",
        '<SegmentBase indexRange="1-2"><Initialization sourceURL="i.mp4"/></SegmentBase>',
    )
    before, after = before_and_after(text)
    assert before == after
    assert rewrite(text).index("<Representation") < rewrite(text).index("<SegmentBase")


def test_file_of_an_outer_base() -> None:
    """A file that an outer level names becomes the BaseURL of each representation."""
    text = one("", "<BaseURL>all.mp4</BaseURL>")
    assert one(f"<BaseURL>{signed('video/all.mp4')}</BaseURL>") == rewrite(text)
    text = one('<SegmentBase indexRange="1-2"/>', "<BaseURL>all.mp4</BaseURL>")
    url = f"<BaseURL>{signed('video/all.mp4')}</BaseURL>"
    assert one(f'{url}<SegmentBase indexRange="1-2"/>') == rewrite(text)


def test_self_closing_representation() -> None:
    """A representation written as an empty tag gets a start and an end tag for its contents."""
    text = mpd(
        '<Period><AdaptationSet><BaseURL>all.mp4</BaseURL><SegmentList duration="3">'
        '<Initialization sourceURL="i.mp4"/><SegmentURL mediaRange="0-9"/></SegmentList>'
        '<Representation id="a" bandwidth="1" /></AdaptationSet></Period>'
    )
    expected = mpd(
        '<Period><AdaptationSet><Representation id="a" bandwidth="1" >'
        f"<BaseURL>{signed('video/all.mp4')}</BaseURL>"
        f'<SegmentList duration="3"><Initialization sourceURL="{signed("video/i.mp4")}"/>'
        '<SegmentURL mediaRange="0-9"/></SegmentList></Representation></AdaptationSet></Period>'
    )
    assert expected == rewrite(text)


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


def test_foreign_base_keeps_its_relative_children() -> None:
    """A relative BaseURL below a foreign one is also foreign, and stays with its template."""
    text = mpd(
        "<BaseURL>https://cdn.example/</BaseURL><Period><BaseURL>film/</BaseURL><AdaptationSet>"
        '<SegmentTemplate media="$Number$.m4s" duration="2"/><Representation id="a" bandwidth="1">'
        "<BaseURL>a/</BaseURL></Representation></AdaptationSet></Period>"
    )
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


def test_second_root() -> None:
    """A URL under any of the film's roots is signed, whichever host the manifest names."""
    film = FilmLocation((ROOT, "https://public.example/vod/movies/m1/"))
    text = one("<BaseURL>https://public.example/vod/movies/m1/a.mp4</BaseURL>")
    manifest = parse(text)
    assert text == manifest.render(sign).decode()
    rewritten = dash.parse(text.encode(), path=PATH, film=film).render(sign).decode()
    assert signed("a.mp4") in rewritten


def test_one_signature_an_object() -> None:
    """An object in many places, with many ranges, is signed once."""
    text = one(
        '<SegmentList duration="1"><Initialization sourceURL="a.mp4" range="0-9"/>'
        '<SegmentURL media="a.mp4" mediaRange="10-19"/>'
        '<SegmentURL media="./a.mp4" mediaRange="20-29"/>'
        '<SegmentURL media="a.mp4#t=1"/></SegmentList>'
    )
    asked: list[str] = []

    def url_for(reference: object) -> str:
        asked.append(str(reference))
        return "https://signed.example/a"

    rewritten = parse(text).render(url_for).decode()
    assert len(asked) == 1
    assert rewritten.count('"https://signed.example/a') == 4
    assert 'media="https://signed.example/a#t=1"' in rewritten


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


def test_unknown_elements() -> None:
    """Elements of other namespaces stay, even with the same names as ours."""
    text = mpd(
        '<Period><o:BaseURL xmlns:o="urn:other">a/</o:BaseURL><AdaptationSet>'
        '<SegmentTemplate xmlns="urn:other" media="x"/><Representation id="a" bandwidth="1"/>'
        "</AdaptationSet></Period>"
    )
    assert text == rewrite(text)


def test_bytes_stay() -> None:
    """Everything except URLs is unchanged: prefixes, comments, order, quotes, line ends."""
    text = (
        '\ufeff<?xml version="1.0" encoding="utf-8" standalone=\'yes\'?>\r\n<!-- first -->\r\n'
        f'<d:MPD\txmlns:d="{NAMESPACE}" xmlns:cenc="urn:mpeg:cenc"\r\n  type = \'static\' >\r\n'
        "<?player hint?><d:Period id='1' duration=\"PT6S\"><!-- <BaseURL>x</BaseURL> -->\r\n"
        "<d:AdaptationSet lang='日本'><cenc:pssh>AA==</cenc:pssh><![CDATA[ <d:BaseURL> ]]>"
        "<d:Representation id='1' bandwidth='1'><d:BaseURL byteRange='x'>{url}</d:BaseURL >"
        "<d:SegmentBase   indexRange='1-2' /></d:Representation></d:AdaptationSet></d:Period>\r\n"
        "</d:MPD>\r\n<!-- last -->"
    )
    expected = text.replace("{url}", signed("video/a.mp4"))
    assert expected == rewrite(text.replace("{url}", "a.mp4"))


def test_prefixed_elements() -> None:
    """Written elements have the prefix of the elements that they replace."""
    text = one(
        '<SegmentTemplate media="$Time$"><SegmentTimeline><S d="3" r="1"/></SegmentTimeline>'
        "</SegmentTemplate>"
    )
    for name in ("MPD", "Period", "AdaptationSet", "Representation", "SegmentT", "S "):
        text = text.replace(f"<{name}", f"<d:{name}").replace(f"</{name}", f"</d:{name}")
    text = text.replace("xmlns=", "xmlns:d=")
    rewritten = rewrite(text)
    assert '<d:SegmentList>\n<d:SegmentTimeline>\n<d:S d="3"/>\n<d:S d="3"/>' in rewritten
    assert rewritten.count("<d:SegmentURL media=") == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "ascii"])
def test_encodings(encoding: str) -> None:
    """A manifest in another encoding is read; the output has the same contents."""
    name = encoding if encoding.startswith("iso") or encoding == "ascii" else "UTF-16"
    accent = "e" if encoding == "ascii" else "é"
    text = f'<?xml version="1.0" encoding="{name}"?>\n' + one(f"<BaseURL>{accent}.mp4</BaseURL>")
    rewritten = parse(text.encode(encoding)).render(sign)
    assert signed(f"video/{accent}.mp4").encode() in rewritten
    assert rewritten == parse(rewritten).render(sign)


@pytest.mark.parametrize("before", ["", "\n", "\ufeff", "\ufeff \n"])
@pytest.mark.parametrize("name", ["utf-16", "UTF-16LE", "ISO-10646-UCS-2", "US-ASCII", "utf8"])
def test_wrongly_declared_encodings(name: str, before: str) -> None:
    """UTF-8 that is declared as UTF-16, as .NET writes it, or as ASCII is read as UTF-8."""
    body = one("<BaseURL>é.mp4</BaseURL>")
    rendered = rewrite(f'{before}<?xml version="1.0" encoding="{name}"?>\n{body}')
    assert signed("video/é.mp4") in rendered
    assert rendered.lstrip("\ufeff").startswith('<?xml version="1.0"?>')


def test_prefixes_without_declaration() -> None:
    """The usual prefixes are known to players; the signed copy declares those that are missing."""
    slot = '<Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013" xlink:actuate="onLoad"/>'
    text = (
        '<?xml version="1.0"?><!-- <MPD> --><MPD xsi:schemaLocation="a b" xmlns:cenc="urn:own"'
        f' xmlns="{NAMESPACE}" mediaPresentationDuration="PT6S"><Period><AdaptationSet>'
        "<ContentProtection><cenc:pssh>AA==</cenc:pssh></ContentProtection>"
        f"<Representation><BaseURL>a.mp4</BaseURL></Representation></AdaptationSet></Period>{slot}"
        "</MPD>"
    )
    rendered = rewrite(text)
    assert signed("video/a.mp4") in rendered
    assert "xlink:href" not in rendered
    assert 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' in rendered
    assert rendered.count("xmlns:cenc") == 1
    with pytest.raises(NotAManifest):
        parse(text.replace("cenc:pssh", "other:pssh"))


def test_without_namespace() -> None:
    """A manifest without a namespace is read like one with it."""
    text = one("<BaseURL>a.mp4</BaseURL>").replace(f' xmlns="{NAMESPACE}"', "")
    assert signed("video/a.mp4") in rewrite(text)


@pytest.mark.parametrize("urls", ['<SegmentURL mediaRange="0-9"/>', '<SegmentURL media="1"/>'])
def test_start_number_of_a_list(urls: str) -> None:
    """A list's default start number is omitted: ffmpeg skips as many segments as it says."""
    text = one(
        f'<BaseURL>a.mp4</BaseURL><SegmentList startNumber="1" duration="6">{urls}</SegmentList>'
    )
    assert '<SegmentList duration="6">' in rewrite(text)
    assert 'startNumber="0"' in rewrite(text.replace('startNumber="1"', 'startNumber="0"'))


def test_subtitles_and_thumbnails() -> None:
    """Text and image adaptation sets are signed like audio and video."""
    text = mpd(
        '<Period><AdaptationSet contentType="text" mimeType="text/vtt" lang="en">'
        '<Representation id="en" bandwidth="1"><BaseURL>../subs/en.vtt</BaseURL></Representation>'
        '</AdaptationSet><AdaptationSet contentType="image" mimeType="image/jpeg">'
        '<SegmentTemplate media="$RepresentationID$/tile_$Number$.jpg" duration="3"/>'
        '<Representation id="t" bandwidth="1" width="1024" height="1152"><EssentialProperty'
        ' schemeIdUri="http://dashif.org/thumbnail_tile" value="10x20"/></Representation>'
        "</AdaptationSet></Period>"
    )
    before, after = before_and_after(text)
    assert before == after
    assert signed("subs/en.vtt") in rewrite(text)


def test_rewriting_twice_changes_nothing() -> None:
    """Signed URLs are foreign, so a signed copy is its own rewritten form."""
    text = one('<SegmentTemplate media="$Number$.m4s" initialization="i" duration="1"/>')
    assert rewrite(text) == rewrite(rewrite(text))
    assert FILM.locate(f"{ROOT}a") is not None


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


def test_empty_slots_do_not_count() -> None:
    """If a period that players remove follows, a period's length comes from the presentation."""
    slot = (
        '<Period xmlns:xlink="http://www.w3.org/1999/xlink"'
        ' xlink:href="urn:mpeg:dash:resolve-to-zero:2013" xlink:actuate="onLoad"/>'
    )
    film = (
        '<Period><AdaptationSet><Representation id="v"><SegmentTemplate media="$Number$.m4s"'
        ' duration="2"/></Representation></AdaptationSet></Period>'
    )
    assert rewrite(mpd(film + slot)).count("<SegmentURL") == 3


def test_bytes_that_are_not_utf8_do_not_matter() -> None:
    """A title in Latin-1 without a declared encoding does not prevent playback."""
    body = mpd("<ProgramInformation><Title>Caf?</Title></ProgramInformation><Period/>").encode()
    assert "Caf\ufffd" in parse(body.replace(b"?", b"\xe9")).render(sign).decode()
