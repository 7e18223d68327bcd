"""ffmpeg plays rewritten manifests to their end from a server that accepts only signed URLs."""

import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from streaming.manifests import dash
from streaming.manifests.references import FilmLocation

SIGNATURE = "X-Amz-Credential=key%2Fs3&X-Amz-Signature=0a$b"
FRAMES = 75

FORMS = {
    "numbers and a timeline": ("-use_timeline", "1"),
    "numbers and a duration": ("-use_timeline", "0"),
    "times": ("-media_seg_name", "a $RepresentationID$-$Time$.m4s"),
    "everything in the name": (
        "-media_seg_name",
        "$RepresentationID$-$Bandwidth$-$Number%06d$.m4s",
    ),
    "a list": ("-use_template", "0", "-use_timeline", "0"),
    "a list with a timeline": ("-use_template", "0"),
    "ranges of a file": ("-single_file", "1"),
    "on demand": ("-single_file", "1", "-global_sidx", "1"),
}


class StrictServer(ThreadingHTTPServer):
    """Serves the files of a folder, with ranges, to requests with the signature."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.statuses: list[int] = []
        self.root = f"http://127.0.0.1:{self.server_port}/film/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StrictServer

    def do_GET(self) -> None:  # the name that http.server calls
        """Respond with 200 or 206 to a signed request for an existing file, otherwise with 403."""
        url = urlsplit(self.path)
        file = self.server.folder / unquote(url.path.removeprefix("/film/"))
        status, body = 403, b""
        if url.query.replace("%24", "$") == SIGNATURE and file.is_file():
            status, body = 200, file.read_bytes()
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if match:
                status = 206
                first, last = int(match[1]), int(match[2] or len(body) - 1)
                content_range = f"bytes {first}-{last}/{len(body)}"
                body = body[first : last + 1]
        self.server.statuses.append(status)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Suppress the log."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StrictServer]:
    """A strict server of an empty folder."""
    with StrictServer(tmp_path) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def run_ffmpeg(*arguments: str) -> str:
    """Run ffmpeg and return its output."""
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_plays(form: tuple[str, ...], server: StrictServer) -> None:
    """Every frame arrives, and no request is unsigned or fails."""
    folder = server.folder / "video"
    folder.mkdir()
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=3", "-map", "0", "-map", "0"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-b:v:0", "100k", "-b:v:1", "50k"),
        *("-f", "dash", "-seg_duration", "1", *form, str(folder / "manifest.mpd")),
    )
    body = (folder / "manifest.mpd").read_text()
    if "-global_sidx" in form:  # ffmpeg's muxer does not support this form, its demuxer does
        base = r'<SegmentBase indexRange="800-900"><Initialization \1/></SegmentBase>'
        body = re.sub(r"(?s)<SegmentList.*?(range=\S+).*?</SegmentList>", base, body)
    film = FilmLocation((server.root,))
    manifest = dash.parse(body.encode(), path="video/manifest.mpd", film=film)
    rewritten = manifest.render(lambda reference: f"{film.url_of(reference.path)}?{SIGNATURE}")
    (folder / "signed.mpd").write_bytes(rewritten)
    url = f"{server.root}video/signed.mpd?{SIGNATURE}"
    frames = run_ffmpeg("-i", url, "-map", "0", "-f", "framemd5", "-").splitlines()
    counts = [sum(line.startswith(f"{stream},") for line in frames) for stream in (0, 1)]
    assert counts == [FRAMES, FRAMES]
    assert {200, 206} >= set(server.statuses)
    assert manifest.duration_seconds == 3.0
