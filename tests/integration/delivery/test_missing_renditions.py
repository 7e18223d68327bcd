"""Renditions and remote elements that are missing or broken, or whose names no object can have."""

from uuid import uuid4

import pytest

from local.stack import Stack
from tests.integration.delivery.manifests import MASTER, TS_FILM, TWO_VARIANTS, put_manifest
from tests.support import plain_http
from tests.support.failing_s3 import FailingS3
from tests.support.functions import Viewer, forget_environment
from tests.support.other_servers import require_embedded_s3


@pytest.mark.parametrize(
    "body",
    [None, b"", b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n", b"#EXTM3U\n#EXTINF:4,\ncaf%E9.ts\n"],
    ids=["missing", "no bytes", "no segments", "name that is not UTF-8"],
)
def test_missing_rendition(
    stack: Stack, viewer: Viewer, caplog: pytest.LogCaptureFixture, body: bytes | None
) -> None:
    """A film plays without a missing or broken variant, and the operator is notified."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, MASTER)
    put_manifest(stack, movie_id, TS_FILM, "v/index.m3u8")
    if body is not None:
        put_manifest(stack, movie_id, body, "large/index.m3u8")

    started = viewer.start(movie_id)

    assert started.status == 200
    playlist = plain_http.get(started.json["manifest_url"]).text
    assert "v/index.m3u8" in playlist
    assert "large/index.m3u8" not in playlist
    (told,) = [each for each in caplog.records if "a rendition is missing" in each.getMessage()]
    assert vars(told)["path"] == "large/index.m3u8"


@pytest.mark.parametrize(
    ("archived", "status", "code"),
    [("large/index.m3u8", 200, None), ("index.m3u8", 502, "film_unplayable")],
)
def test_archived_playlist(
    stack: Stack,
    viewer: Viewer,
    monkeypatch: pytest.MonkeyPatch,
    archived: str,
    status: int,
    code: str | None,
) -> None:
    """A film plays without a variant that a lifecycle rule has moved to Glacier."""
    require_embedded_s3(stack)
    movie_id = uuid4()
    for name, body in TWO_VARIANTS.items():
        put_manifest(stack, movie_id, body, name)

    def refuses(method: str, path: str) -> bool:
        return method == "GET" and f"/vod/movies/{movie_id}/{archived}" in path

    with FailingS3(stack.ports.s3_port, refuses, "InvalidObjectState") as s3:
        monkeypatch.setenv("S3_ENDPOINT_URL", s3.url)
        forget_environment()
        started = viewer.start(movie_id)

    assert (started.status, started.json.get("code")) == (status, code)


@pytest.mark.parametrize(
    "broken",
    [
        b"#EXT-X-STREAM-INF:BANDWIDTH=2\ncaf\xe9.m3u8\n",
        b"#EXT-X-STREAM-INF:BANDWIDTH=2\nfolder/\n",
        b'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="caf\xe9",URI="caf\xe9.m3u8"\n',
        b'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="caf\xe9.m3u8"\n',
        b'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="a"b.m3u8"\n',
        b'#EXT-X-SESSION-DATA:DATA-ID="a",URI="caf\xe9.json"\n',
    ],
    ids=["variant", "folder", "rendition", "I-frames", "quotation mark", "session data"],
)
def test_name_that_is_none(
    stack: Stack, viewer: Viewer, caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    """A film plays without a variant whose name no object can have; the operator is notified."""
    movie_id = uuid4()
    whole = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/index.m3u8\n"
    put_manifest(stack, movie_id, whole + broken)
    put_manifest(stack, movie_id, TS_FILM, "v/index.m3u8")

    started = viewer.start(movie_id)

    assert started.status == 200
    lines = plain_http.get(started.json["manifest_url"]).text.split()
    assert lines[:2] == whole.decode().splitlines()[:2]
    assert "v/index.m3u8?" in lines[2]
    assert len(lines) == 3
    assert "a rendition is missing" in caplog.text


def test_only_names_that_are_none(stack: Stack, viewer: Viewer) -> None:
    """A film all of whose variants have such names does not play."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ncaf\xe9.m3u8\n")

    refused = viewer.start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


def test_name_that_the_store_refuses(stack: Stack, viewer: Viewer) -> None:
    """An invalid object name of a nested playlist is an error of the film."""
    movie_id = uuid4()
    name = "x" * 1020
    put_manifest(stack, movie_id, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{name}\n".encode())

    refused = viewer.start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


DASH_FILM = (
    '<AdaptationSet contentType="video"><Representation id="v" bandwidth="1">'
    '<SegmentTemplate media="$Number$.m4s" duration="2"/></Representation></AdaptationSet>'
)
REMOTE_MPD = (
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' type="static"><Period duration="PT12S">{}</Period>{}</MPD>'
)


@pytest.mark.parametrize(
    "period",
    [
        '<Period xlink:href="{}" xlink:actuate="onLoad"/>',
        '<Period xlink:href="{}" xlink:actuate="onLoad"><BaseURL>ads/</BaseURL></Period>',
        '<Period xlink:href="{}">' + DASH_FILM + "</Period>",
        '<Period><AdaptationSet xlink:href="{}"/></Period>',
        '<Period><EventStream xlink:href="{}"/></Period>',
    ],
    ids=["slot", "empty slot", "slot with content", "adaptation set", "events"],
)
@pytest.mark.parametrize("remote", [None, b"<html>gone", f"<Period>{DASH_FILM}</Period>".encode()])
def test_remote_element_that_cannot_be_signed(
    stack: Stack,
    viewer: Viewer,
    caplog: pytest.LogCaptureFixture,
    period: str,
    remote: bytes | None,
) -> None:
    """A film plays without a remote element that is missing, broken or of unknown length."""
    movie_id = uuid4()
    body = REMOTE_MPD.format(DASH_FILM, period.format("ad.xml"))
    put_manifest(stack, movie_id, body.encode(), "index.mpd")
    if remote is not None:
        put_manifest(stack, movie_id, remote, "ad.xml")

    started = viewer.start(movie_id, {"manifest_type": "dash"})

    assert (started.status, started.json["duration_seconds"]) == (200, 12)
    copy = plain_http.get(started.json["manifest_url"]).text
    assert copy.count("<SegmentURL") == copy.count("X-Amz-Signature") == 6
    assert "xlink:href" not in copy
    (told,) = [each for each in caplog.records if "a rendition is missing" in each.getMessage()]
    assert vars(told)["path"] == "ad.xml"
