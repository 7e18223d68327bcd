"""Publishing, from a file to playback: the command line against the real stack."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import imageio_ffmpeg
import m3u8
import mpegdash.parser
import pytest

from local.environment import BUCKET
from local.stack import Stack
from tests.support.other_servers import require_embedded_s3
from tests.support.publishing import ROOT, objects, publish, shell
from tools.publish.check import check
from tools.publish.destination import Destination
from tools.publish.errors import PublishError
from tools.publish.former_publications import FormerPublications
from tools.publish.packaging.package import ENTRIES, Package, new_version, package
from tools.publish.probe import probe
from tools.publish.upload import Upload

SECONDS = 6
CUES = """\
1
00:00:01,000 --> 00:00:02,500
Guten Tag

2
00:00:04,000 --> 00:01:30,000
Auf Wiedersehen
"""


def ffmpeg(*arguments: str) -> str:
    """Run ffmpeg, which must succeed; return its log."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", *arguments]
    run = subprocess.run(command, capture_output=True, timeout=120, check=False)
    log = run.stderr.decode(errors="replace")
    assert run.returncode == 0, log[-2000:]
    return log


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An mp4 with picture, two languages, subtitles, and special characters in its name."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "cues.srt").write_text(CUES)
    path = folder / '-it\'s a "film": $1.mp4'
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=854x480:r=24000/1001:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=330:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=660:d={SECONDS - 2}"),
        *("-i", str(folder / "cues.srt"), "-map", "0", "-map", "1", "-map", "2", "-map", "3"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-c:s", "mov_text"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"),
        *("-metadata:s:s:0", "language=ger", "-disposition:a:0", "0"),
        *("-disposition:a:1", "default", f"file:{path}"),
    )
    return path


@pytest.fixture(scope="module")
def packaged(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Package]:
    """Packages the film, each time as a new version."""

    def make() -> Package:
        folder = tmp_path_factory.mktemp("package") / "film"
        version = new_version(datetime.now(UTC).timestamp())
        return package(
            probe(film), folder, version=version, title="", preset="ultrafast", on_seconds=print
        )

    return make


@pytest.fixture
def destination(stack: Stack) -> Destination:
    """The stack's bucket, with the key that may write to it."""
    return Destination(BUCKET, stack.s3.admin_client())


@pytest.fixture
def environment_of(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment variables of a developer's shell for this stack."""
    (tmp_path / "temporary").mkdir()
    return {
        **shell(),
        "LOCAL_STATE_DIR": str(stack.state.folder),
        "TMPDIR": str(tmp_path / "temporary"),
    }


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
    started = httpx.post(
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
    films = httpx.get(f"{stack.api_url}/local/demo").json()["films"]

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
    destination: Destination, environment_of: dict[str, str], film: Path, published: Published
) -> None:
    """Publishing with a film's id replaces it, and files of the previous version stay readable."""
    movie_id, _ = published
    before = objects(destination, movie_id)

    run = publish(f"--movie-id={movie_id}", "--", str(film), environment=environment_of)

    assert run.returncode == 0, run.stderr
    after = objects(destination, movie_id)
    assert after["index.m3u8"] != before["index.m3u8"]
    segments = {name: body for name, body in before.items() if "/" in name}
    assert segments.items() <= after.items()
    assert len(after) == len(before) + len(segments)


def test_unreadable_publications_go(
    destination: Destination, packaged: Callable[[], Package]
) -> None:
    """Versions replaced more than seven days ago are removed, later ones are kept."""
    movie_id = str(uuid4())
    first, second = packaged(), packaged()
    for each in (first, second):
        Upload(destination, movie_id, each).run(lambda *_: None)
    now = datetime.now(UTC)

    assert FormerPublications(destination, movie_id, now).remove_unreadable() == 0
    later = FormerPublications(destination, movie_id, now + timedelta(days=8))
    assert sorted(later.versions) == sorted([first.version, second.version])
    assert later.remove_unreadable() == 1
    left = objects(destination, movie_id)
    assert {name.partition("/")[0] for name in left} == {*ENTRIES, second.version}


def test_check_without_service(destination: Destination, packaged: Callable[[], Package]) -> None:
    """Without the service, the film plays with locally signed URLs; a lost segment is detected."""
    movie_id, each = str(uuid4()), packaged()
    Upload(destination, movie_id, each).run(lambda *_: None)

    check(each, destination, movie_id, None)

    lost = f"movies/{movie_id}/{each.film.audio[1].path}/00002.m4s"
    destination.client.delete_object(Bucket=BUCKET, Key=lost)
    with pytest.raises(PublishError, match="does not play") as failure:
        check(each, destination, movie_id, None)
    assert "X-Amz-Signature" not in str(failure.value)


def test_manifests_last(destination: Destination, packaged: Callable[[], Package]) -> None:
    """While segments are uploaded, the film cannot be started."""
    movie_id = str(uuid4())
    seen: set[str] = set()

    Upload(destination, movie_id, packaged()).run(
        lambda *_: seen.update(objects(destination, movie_id))
    )

    assert seen
    assert seen.isdisjoint(ENTRIES)


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """Ctrl-C raises, even in a run that was started in the background and so ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_works")
@pytest.mark.parametrize("is_new", [True, False])
def test_interrupted_upload(
    destination: Destination, packaged: Callable[[], Package], *, is_new: bool
) -> None:
    """Ctrl-C during the upload removes a new film, and leaves an existing one unchanged."""
    movie_id = str(uuid4())
    if not is_new:
        Upload(destination, movie_id, packaged()).run(lambda *_: None)
    before = objects(destination, movie_id)

    def press(files: int, sent: int, of_files: int) -> None:
        if files == of_files // 2:
            os.kill(os.getpid(), signal.SIGINT)

    upload = Upload(destination, movie_id, packaged())
    with pytest.raises(KeyboardInterrupt):
        upload.run(press)

    assert not upload.is_done
    assert objects(destination, movie_id) == before


def test_interrupted_encoding(
    destination: Destination, environment_of: dict[str, str], film: Path
) -> None:
    """Ctrl-C during the encoding also ends ffmpeg, and leaves no file and no object."""
    movie_id = uuid4()
    long_film = film.parent / "long.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=640x360:r=24:d=120", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-y", str(long_film)),
    )
    command = [sys.executable, "-m", "tools.publish", f"--movie-id={movie_id}"]
    process = subprocess.Popen(
        [*command, str(long_film)],
        env=environment_of,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "640x360" in process.stderr.readline()
    assert "Encoding" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert out == ""
    assert told.endswith("error: interrupted; the bucket is unchanged\n")
    assert not list(Path(environment_of["TMPDIR"]).iterdir())
    assert not objects(destination, movie_id)


def test_forbidden(stack: Stack, packaged: Callable[[], Package]) -> None:
    """A read-only key is rejected in one line, and no file remains."""
    require_embedded_s3(stack)
    keys = stack.state.credentials
    reader = stack.s3.client(keys.s3_service_access_key, keys.s3_service_secret_key)
    movie_id = str(uuid4())

    with pytest.raises(PublishError, match="bucket vod refuses PutObject"):
        Upload(Destination(BUCKET, reader), movie_id, packaged()).run(lambda *_: None)

    assert not objects(Destination(BUCKET, stack.s3.admin_client()), movie_id)


def test_a_key_that_may_not_write_is_told_before_the_work(
    stack: Stack, environment_of: dict[str, str], film: Path
) -> None:
    """A key without write permission is reported before the encoding."""
    require_embedded_s3(stack)
    keys = stack.state.credentials
    run = publish(
        *(f"--bucket={BUCKET}", f"--endpoint-url={stack.s3.endpoint_url}", "--", str(film)),
        environment={
            **environment_of,
            "AWS_ACCESS_KEY_ID": keys.s3_service_access_key,
            "AWS_SECRET_ACCESS_KEY": keys.s3_service_secret_key,
        },
    )

    assert run.returncode == 1
    assert "refuses" in run.stderr
    assert "Encoding" not in run.stderr


def test_half_a_film_is_refused_unless_it_is_wanted(
    destination: Destination, environment_of: dict[str, str], tmp_path: Path
) -> None:
    """An incomplete download is published only with the option for incomplete files."""
    movie_id, whole, half = uuid4(), tmp_path / "whole.mp4", tmp_path / "half.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-movflags", "+faststart", str(whole)),
    )
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    refused = publish(f"--movie-id={movie_id}", str(half), environment=environment_of)

    assert refused.returncode == 1
    assert "the file is incomplete" in refused.stderr
    assert not objects(destination, movie_id)
    wanted = publish(
        "--incomplete", f"--movie-id={movie_id}", str(half), environment=environment_of
    )
    assert wanted.returncode == 0, wanted.stderr
    assert "Warning: the file is incomplete" in wanted.stderr
    assert "index.m3u8" in objects(destination, movie_id)


def test_half_a_second_is_a_film(environment_of: dict[str, str], tmp_path: Path) -> None:
    """A film of ten frames is published and plays."""
    film = tmp_path / "film.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(film)),
    )

    run = publish(str(film), environment=environment_of)

    assert run.returncode == 0, run.stderr


def test_no_server(environment_of: dict[str, str], film: Path) -> None:
    """A bucket that does not respond is reported in one line, before the encoding."""
    run = publish(
        *("--bucket=films", "--endpoint-url=http://127.0.0.1:9", "--", str(film)),
        environment={**environment_of, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
    )

    assert run.returncode == 1
    assert run.stderr.startswith("error: bucket films: Could not connect")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.mp4", None, "No such file or directory"),
        ("empty.mp4", b"", "ffmpeg cannot read it"),
        ("text.mp4", b"This is no film.", "ffmpeg cannot read it"),
    ],
)
def test_bad_file(
    environment_of: dict[str, str], tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    """A file that is not a film is rejected in one clear line that names it."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    run = publish(str(path), environment=environment_of)

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"error: {path}: ")
    assert told in run.stderr
    assert run.stderr.count("\n") == 1


def test_no_video(environment_of: dict[str, str], tmp_path: Path) -> None:
    """A file with only audio is rejected in one clear line."""
    path = tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", str(path))

    run = publish(str(path), environment=environment_of)

    assert run.returncode == 1
    assert run.stderr == f"error: {path}: there is no video in it\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--movie-id=../../etc", "film.mp4"], "error: MOVIE_ID '../../etc' is not a UUID\n"),
        ([""], "error: name the film: make publish FILE=film.mp4\n"),
    ],
)
def test_bad_arguments(environment_of: dict[str, str], arguments: list[str], told: str) -> None:
    """An invalid MOVIE_ID and a missing FILE are reported in one line."""
    run = publish(*arguments, environment=environment_of)

    assert (run.returncode, run.stderr) == (1, told)
