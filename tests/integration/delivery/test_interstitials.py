"""Interstitials of HLS are embedded in the playlist, up to the limits."""

import base64
import json
import re
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from tests.integration.delivery.manifests import TS_FILM, put_manifest
from tests.support import plain_http
from tests.support.functions import Viewer, patient_request


def interstitial(attribute: str, name: str) -> bytes:
    """Return a film with an interstitial after its only segment."""
    line = f'#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",{attribute}="{name}"\n'
    return TS_FILM.replace(b"#EXTINF", line.encode() + b"#EXTINF")


def asset(segments: int) -> bytes:
    """Return the playlist of an asset."""
    return b"#EXTM3U\n" + b"".join(b"#EXTINF:2,\nad/%d.ts\n" % each for each in range(segments))


def embedded(playlist: str) -> str:
    """Return the content of the only ``data:`` URL in a playlist or list."""
    (data,) = re.findall(r'"data:[a-z./]+;base64,([^"]*)"', playlist)
    return base64.b64decode(data).decode()


def film_with_asset(stack: Stack, attribute: str, segments: int) -> UUID:
    """Upload a film with an interstitial, whose playlist the attribute names directly or in a list.

    Returns the film's id.
    """
    movie_id = uuid4()
    put_manifest(stack, movie_id, asset(segments), "ad.m3u8")
    assets = {"ASSETS": [{"URI": "ad.m3u8", "DURATION": 2 * segments}]}
    put_manifest(stack, movie_id, json.dumps(assets).encode(), "ads.json")
    name = "ads.json" if attribute == "X-ASSET-LIST" else "ad.m3u8"
    put_manifest(stack, movie_id, interstitial(attribute, name))
    return movie_id


def embedded_asset(playlist: str, attribute: str) -> str:
    """Return the playlist that the attribute embeds, directly or in a list."""
    return embedded(embedded(playlist)) if attribute == "X-ASSET-LIST" else embedded(playlist)


@pytest.mark.parametrize("attribute", ["X-ASSET-URI", "X-ASSET-LIST"])
def test_long_interstitials_are_embedded(stack: Stack, viewer: Viewer, attribute: str) -> None:
    """An interstitial of seven minutes plays in players that append a query to its URL."""
    movie_id = film_with_asset(stack, attribute, segments=200)

    playlist = plain_http.get(viewer.start(movie_id).json["manifest_url"]).text

    inner = embedded_asset(playlist, attribute)
    segments = [line for line in inner.splitlines() if line.startswith("http")]
    assert len(segments) == 200
    assert all("X-Amz-Signature" in each for each in segments)
    assert len(playlist) > 64 * 1024


def test_interstitials_that_cannot_be_embedded(
    stack: Stack, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    """A list of assets too long for a `data:` URL is left out, and the operator is notified."""
    movie_id = uuid4()
    assets = {"ASSETS": [{"URI": f"{each}.mp4", "DURATION": 2} for each in range(2000)]}
    put_manifest(stack, movie_id, json.dumps(assets).encode(), "ads.json")
    put_manifest(stack, movie_id, interstitial("X-ASSET-LIST", "ads.json"))

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, 4)
    playlist = plain_http.get(started.json["manifest_url"]).text
    assert "DATERANGE" not in playlist
    assert playlist.count("X-Amz-Signature") == 1
    (told,) = [each for each in caplog.records if "a rendition is missing" in each.getMessage()]
    assert vars(told)["path"] == "ads.json"


@pytest.mark.parametrize("attribute", ["X-ASSET-URI", "X-ASSET-LIST"])
def test_interstitials_of_any_length(stack: Stack, viewer: Viewer, attribute: str) -> None:
    """An interstitial of an hour is the variant of an embedded playlist: no query is appended."""
    movie_id = film_with_asset(stack, attribute, segments=2000)

    started = viewer.start(movie_id)

    playlist = plain_http.get(started.json["manifest_url"]).text
    multivariant = embedded_asset(playlist, attribute)
    (variant,) = [line for line in multivariant.splitlines() if line.startswith("http")]
    assert plain_http.get(variant).text.count("X-Amz-Signature") == 2000
    assert len(playlist) < 8 * 1024
    assert started.json["duration_seconds"] == 4


def test_many_interstitials_exceed_the_limit(stack: Stack, viewer: Viewer) -> None:
    """What is embedded counts for the limit of the film, each time that it is embedded."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, asset(200), "ad.m3u8")
    line = interstitial("X-ASSET-URI", "ad.m3u8").splitlines(keepends=True)
    breaks = b"".join(each for each in line if b"DATERANGE" in each) * 1000
    put_manifest(stack, movie_id, TS_FILM.replace(b"#EXTINF", breaks + b"#EXTINF"))

    refused = replace(viewer, send=patient_request).start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")
