"""A film published by the command line, as viewers get it from the real stack."""

import re
import subprocess
from pathlib import Path
from uuid import UUID

import m3u8
import mpegdash.parser
import pytest

from local.environment import BUCKET
from local.stack import Stack
from tests.e2e.publish.conftest import SECONDS, PublishHere
from tests.e2e.publish.ffmpeg import ffmpeg
from tests.support import plain_http
from tests.support.publishing import objects, publish, shell
from tools.publish.destination import Destination


@pytest.fixture(scope="module")
def published(
    stack: Stack, film: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[UUID, subprocess.CompletedProcess[str]]:
    """The film, published to the stack by the command line, and the command's output."""
    environment = {
        **shell(),
        "LOCAL_STATE_DIR": str(stack.state.folder),
    }
    run = publish("--title=Ein Film", "--", str(film), environment=environment)
    assert run.returncode == 0, run.stderr
    return UUID(run.stdout.splitlines()[-1]), run


Published = tuple[UUID, subprocess.CompletedProcess[str]]


def test_report(stack: Stack, published: Published) -> None:
    """Publishing prints its progress, plays the film by both manifests, and ends with the id."""
    movie_id, run = published

    assert run.stdout == f"{movie_id}\n"
    for told in (
        "Encoding  100 %",
        "Uploading  100 %",
        "HLS   100 %",
        "DASH  100 %",
        stack.api_url,
    ):
        assert told in run.stderr


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_plays(stack: Stack, published: Published, manifest_type: str) -> None:
    """A viewer plays all tracks to the end, by HLS and by DASH, from the private bucket."""
    movie_id, _ = published
    started = plain_http.post(
        f"{stack.api_url}/api/v1/stream/{movie_id}",
        headers={"Authorization": f"Bearer {stack.token()}"},
        json={"manifest_type": manifest_type},
        timeout=30,
    ).json()

    url = started["manifest_url"]
    log = ffmpeg("-i", url, "-map", "0", "-c:s", "copy", "-f", "null", "-")

    tracks = log.partition("Stream mapping:")[0]
    assert tracks.count("Video: h264") == 2
    assert set(re.findall(r"\((\w+)\): Audio: aac", tracks)) == {"en", "de"}
    assert set(re.findall(r"\((\w+)\): Subtitle: webvtt", tracks)) == {"de"}
    assert log.rpartition("time=00:00:")[2].startswith("06")
    assert not [line for line in log.splitlines() if "error" in line.lower()]
    assert started["duration_seconds"] == SECONDS


def test_hls(destination: Destination, published: Published) -> None:
    """The playlists contain all attributes by which players choose, in the standard's terms."""
    bodies = objects(destination, published[0])

    playlist = m3u8.loads(bodies["index.m3u8"].decode())

    assert playlist.is_independent_segments
    variants = {variant.stream_info.resolution: variant for variant in playlist.playlists}
    assert set(variants) == {(854, 480), (640, 360)}
    for variant in playlist.playlists:
        info = variant.stream_info
        assert info.codecs.startswith("avc1.")
        assert info.codecs.endswith(",mp4a.40.2")
        assert info.frame_rate == 23.976
        assert info.bandwidth >= info.average_bandwidth
        assert (info.audio, info.subtitles) == ("audio", "subtitles")
    assert [
        (media.type, media.name, media.language, media.default, media.autoselect)
        for media in playlist.media
    ] == [
        ("AUDIO", "English", "en", "NO", "YES"),
        ("AUDIO", "Deutsch", "de", "YES", "YES"),
        ("SUBTITLES", "Deutsch", "de", "NO", "YES"),
    ]
    for uri in (*(v.uri for v in playlist.playlists), *(each.uri for each in playlist.media)):
        nested = m3u8.loads(bodies[uri].decode())
        assert nested.is_endlist
        assert sum(segment.duration for segment in nested.segments) == pytest.approx(SECONDS, 0.02)
        folder = uri.rpartition("/")[0]
        for name in (*nested.files,):
            assert f"{folder}/{name}" in bodies


def test_dash(destination: Destination, published: Published) -> None:
    """The MPD has the same segments, an adaptation set per language, and subtitles as a file."""
    bodies = objects(destination, published[0])

    presentation = mpegdash.parser.MPEGDASHParser.parse(bodies["index.mpd"].decode())

    sets = presentation.periods[0].adaptation_sets
    assert [(each.content_type, each.lang) for each in sets] == [
        ("video", None),
        ("audio", "en"),
        ("audio", "de"),
        ("text", "de"),
    ]
    for representation in (one for each in sets[:3] for one in each.representations):
        template = representation.segment_templates[0]
        count = sum(1 + (line.r or 0) for line in template.segment_timelines[0].Ss)
        names = [template.media.replace("$Number%05d$", f"{n + 1:05d}") for n in range(count)]
        assert all(name in bodies for name in (template.initialization, *names))
    text = bodies[sets[3].representations[0].base_urls[0].base_url_value].decode()
    assert text.startswith("WEBVTT")
    assert "00:00:04.000 --> 00:00:06.006\nAuf Wiedersehen" in text
    assert presentation.program_informations[0].titles[0].text == "Ein Film"


def test_headers(destination: Destination, published: Published) -> None:
    """Segments are cacheable indefinitely, manifests are revalidated, media types are correct."""
    client = destination.client
    found = {
        "/".join(name.split("/")[1:]) or name: client.head_object(
            Bucket=BUCKET, Key=f"movies/{published[0]}/{name}"
        )
        for name in objects(destination, published[0])
    }

    assert {
        name: (found[name]["ContentType"], found[name]["CacheControl"])
        for name in ("index.m3u8", "index.mpd", "poster.jpg", "audio-1/00001.m4s", "text-1.vtt")
    } == {
        "index.m3u8": ("application/vnd.apple.mpegurl", "no-cache"),
        "index.mpd": ("application/dash+xml", "no-cache"),
        "poster.jpg": ("image/jpeg", "no-cache"),
        "audio-1/00001.m4s": ("audio/mp4", "max-age=31536000, immutable"),
        "text-1.vtt": ("text/vtt; charset=utf-8", "max-age=31536000, immutable"),
    }


def test_player_page(stack: Stack, published: Published) -> None:
    """The local player page lists the film with its title."""
    films = plain_http.get(f"{stack.api_url}/local/demo").json()["films"]

    assert {
        "movie_id": str(published[0]),
        "title": "Ein Film",
        "manifest_types": ["hls", "dash"],
    } in films


def test_aligned_keyframes(destination: Destination, published: Published) -> None:
    """Segments of all renditions begin at the same times; all but the last are 4 s long."""
    bodies = objects(destination, published[0])
    playlist = m3u8.loads(bodies["index.m3u8"].decode())

    durations = {
        tuple(segment.duration for segment in m3u8.loads(bodies[v.uri].decode()).segments)
        for v in playlist.playlists
    }

    assert len(durations) == 1
    assert [round(each) for each in durations.pop()] == [4, 2]


def test_replaced(
    destination: Destination,
    environment_of: dict[str, str],
    film: Path,
    published: Published,
    publish_here: PublishHere,
) -> None:
    """Publishing with a film's id replaces it, and files of the previous version stay readable."""
    movie_id, _ = published
    before = objects(destination, movie_id)

    run = publish_here(f"--movie-id={movie_id}", "--", str(film), environment=environment_of)

    assert run.returncode == 0, run.stderr
    after = objects(destination, movie_id)
    assert after["index.m3u8"] != before["index.m3u8"]
    segments = {name: body for name, body in before.items() if "/" in name}
    assert segments.items() <= after.items()
    assert len(after) == len(before) + len(segments)


def test_half_a_second_is_a_film(
    environment_of: dict[str, str], publish_here: PublishHere, tmp_path: Path
) -> None:
    """A film of ten frames is published and plays."""
    film = tmp_path / "film.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(film)),
    )

    run = publish_here(str(film), environment=environment_of)

    assert run.returncode == 0, run.stderr
