"""Everything except URLs keeps its bytes, in every encoding, with every prefix."""

import pytest

from streaming.manifests.errors import NotAManifest
from tests.unit.manifests.dash.manifests import (
    FILM,
    NAMESPACE,
    ROOT,
    mpd,
    one,
    parse,
    rewrite,
    sign,
    signed,
)


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


def test_attributes_in_another_encoding() -> None:
    """A manifest whose attributes to rewrite have names that are not UTF-8 is refused."""
    attributes = 'xmlns:é="http://www.w3.org/1999/xlink" é:href="a.xml"'
    text = f'<?xml version="1.0" encoding="iso-8859-1"?>{mpd(f"<Period {attributes}/>")}'
    with pytest.raises(NotAManifest):
        parse(text.encode("iso-8859-1"))


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


def test_rewriting_twice_changes_nothing() -> None:
    """Signed URLs are foreign, so a signed copy is its own rewritten form."""
    text = one('<SegmentTemplate media="$Number$.m4s" initialization="i" duration="1"/>')
    assert rewrite(text) == rewrite(rewrite(text))
    assert FILM.locate(f"{ROOT}a") is not None


def test_bytes_that_are_not_utf8_do_not_matter() -> None:
    """A title in Latin-1 without a declared encoding does not prevent playback."""
    body = mpd("<ProgramInformation><Title>Caf?</Title></ProgramInformation><Period/>").encode()
    assert "Caf\ufffd" in parse(body.replace(b"?", b"\xe9")).render(sign).decode()
