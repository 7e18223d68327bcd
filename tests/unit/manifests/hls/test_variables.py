"""Variables are resolved before signing, and players still find those that they need."""

import pytest

from streaming.manifests.errors import ManifestTooLarge, NotAManifest, OutsideFilm
from streaming.manifests.hls.limits import MAX_VARIABLES
from streaming.manifests.references import Nested
from tests.unit.manifests.hls.playlists import parse, rewrite, signed_paths


def test_named_variable() -> None:
    """A reference with variables is signed with their values."""
    text = (
        '#EXTM3U\n#EXT-X-DEFINE:NAME="dir",VALUE="hd"\n'
        '#EXT-X-DEFINE:NAME="base",VALUE="../{$dir}/x"\n'
        '#EXT-X-MAP:URI="{$base}/init.mp4"\n#EXTINF:2,\n{$base}/{$dir}.ts\n'
    )
    rewritten = rewrite(text)
    assert signed_paths(rewritten) == ["object/hd/x/init.mp4", "object/hd/x/hd.ts"]
    assert text.splitlines()[:3] == rewritten.splitlines()[:3]


def test_imported_variable() -> None:
    """A media playlist gets its parent's values."""
    parent = parse(
        '#EXTM3U\n#EXT-X-DEFINE:NAME="dir",VALUE="hd"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n'
        '#EXT-X-DEFINE:NAME="late",VALUE="x"\n'
    )
    (nested,) = parent.nested
    assert Nested("video/v.m3u8", (("dir", "hd"), ("late", "x"))) == nested
    child = '#EXTM3U\n#EXT-X-DEFINE:IMPORT="dir"\n#EXTINF:2,\n{$dir}/a.ts\n'
    expected = child.replace("{$dir}/a.ts", "https://signed.example/object/video/hd/a.ts")
    assert expected == rewrite(child, variables=dict(nested.variables))


def test_importable_variable_needs_its_import() -> None:
    """A parent's variable is not defined in the child until the child imports it."""
    with pytest.raises(NotAManifest, match="'dir' has no value"):
        parse("#EXTM3U\n{$dir}/a.ts\n", variables={"dir": "hd"})


def test_query_parameter() -> None:
    """A variable of the playlist's query is defined explicitly in the copy, whose URL differs."""
    parent = parse(
        '#EXTM3U\n#EXT-X-DEFINE:NAME="q",VALUE="7%200"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8?size={$q}&x={$none}\n"
    )
    (nested,) = parent.nested
    assert nested.query == "size=7%200&x="
    text = '#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="size"\n#EXTINF:2,\n{$size}.ts\n'
    expected = (
        '#EXTM3U\n#EXT-X-DEFINE:NAME="size",VALUE="7 0"\n'
        "#EXTINF:2,\nhttps://signed.example/object/video/7%200.ts\n"
    )
    assert expected == rewrite(text, query=nested.query)


def test_one_playlist_under_two_queries_is_two_copies() -> None:
    """A playlist may depend on its query, so each query has a separate copy."""
    text = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8?size=1\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2\nv.m3u8?size=2\n"
    )
    manifest = parse(text, path="index.m3u8")
    assert [each.query for each in manifest.nested] == ["size=1", "size=2"]
    assert [each.query for each in manifest.objects] == ["size=1", "size=2"]


def test_missing_query_parameter_may_be_a_token() -> None:
    """A missing CDN token in a query is harmless, because the signature replaces the query."""
    text = (
        '#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="token"\n#EXTINF:2,\na.ts?token={$token}\n'
        "#EXTINF:2,\nhttps://ads.example/b.ts?token={$token}\n"
    )
    expected = (
        '#EXTM3U\n#EXT-X-DEFINE:NAME="token",VALUE=""\n'
        "#EXTINF:2,\nhttps://signed.example/object/video/a.ts\n"
        "#EXTINF:2,\nhttps://ads.example/b.ts?token={$token}\n"
    )
    assert expected == rewrite(text)


@pytest.mark.parametrize("form", ['QUERYPARAM="dir"', 'IMPORT="dir"'])
def test_missing_value_may_not_be_a_path(form: str) -> None:
    """A path that depends on a missing value is an error."""
    with pytest.raises(NotAManifest, match="'dir' has no value"):
        parse(f"#EXTM3U\n#EXT-X-DEFINE:{form}\n{{$dir}}/a.ts\n")


def test_variable_must_be_defined_before_its_use() -> None:
    """A playlist is read from top to bottom, as players do."""
    with pytest.raises(NotAManifest, match="'dir' has no value"):
        parse('#EXTM3U\n{$dir}/a.ts\n#EXT-X-DEFINE:NAME="dir",VALUE="hd"\n')


def test_variables_cannot_leave_the_film() -> None:
    """Values of variables are checked like literal text."""
    for value in ("../../m2", "https://s3.example/vod/movies/m2", "%2e%2e/%2e%2e/m2", "..\\.."):
        with pytest.raises(OutsideFilm):
            parse(f'#EXTM3U\n#EXT-X-DEFINE:NAME="d",VALUE="{value}"\n{{$d}}/a.ts\n')


def test_foreign_by_variable_stays() -> None:
    """A reference that a variable leads to another host keeps its variable."""
    text = '#EXTM3U\n#EXT-X-DEFINE:NAME="cdn",VALUE="https://cdn.example"\n{$cdn}/a.ts\n'
    assert text == rewrite(text)


def test_siblings_import_from_the_common_parent() -> None:
    """A playlist in a rendition report gets the parent's variables, not the reporter's."""
    text = '#EXTM3U\n#EXT-X-DEFINE:NAME="own",VALUE="1"\n#EXT-X-RENDITION-REPORT:URI="b.m3u8"\n'
    manifest = parse(text, variables={"shared": "2"})
    assert (Nested("video/b.m3u8", (("shared", "2"),)),) == manifest.nested


@pytest.mark.parametrize(
    "definition",
    [
        'NAME="a"',
        'VALUE="a"',
        'NAME="a",IMPORT="a",VALUE="1"',
        'NAME="a b",VALUE="1"',
        'NAME="",VALUE="1"',
        'NAME="twice",VALUE="1"\n#EXT-X-DEFINE:NAME="twice",VALUE="2"',
    ],
)
def test_refuses_a_broken_definition(definition: str) -> None:
    """A definition that players would reject is an error before it is published."""
    with pytest.raises(NotAManifest):
        parse(f"#EXTM3U\n#EXT-X-DEFINE:{definition}\n")


@pytest.mark.parametrize("value", ["%22", "%0A", "%0d%0a%23EXT"])
def test_query_cannot_write_lines(value: str) -> None:
    """A query parameter cannot break out of the attribute that it is written into."""
    with pytest.raises(NotAManifest, match="no playlist can hold"):
        parse('#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="q"\n', query=f"q={value}")


def test_variables_cannot_explode() -> None:
    """The growth of definitions that double each other is limited."""
    lines = ['#EXT-X-DEFINE:NAME="v0",VALUE="aaaaaaaaaa"']
    lines += [f'#EXT-X-DEFINE:NAME="v{n}",VALUE="{{$v{n - 1}}}{{$v{n - 1}}}"' for n in range(1, 60)]
    with pytest.raises(ManifestTooLarge):
        parse("#EXTM3U\n" + "\n".join(lines))


def test_caps_the_number_of_variables() -> None:
    """The number of a playlist's variables is limited."""
    lines = [f'#EXT-X-DEFINE:NAME="v{n}",VALUE=""\n' for n in range(MAX_VARIABLES + 1)]
    parse("#EXTM3U\n" + "".join(lines[:-1]))
    with pytest.raises(ManifestTooLarge):
        parse("#EXTM3U\n" + "".join(lines))
