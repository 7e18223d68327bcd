"""The check without the service: the film's manifests are signed here, like in the service.

Everything to which they refer is read from the bucket. The manifests themselves are served on the
loopback interface, because players resolve the references of a local file differently.
"""

import contextlib
import http.server
import io
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from streaming.manifests import dash, hls
from streaming.manifests.errors import ManifestError
from streaming.manifests.references import FilmLocation, Reference
from tools.publish.destination import Destination
from tools.publish.errors import PublishError
from tools.publish.packaging.package import Package

_LIFE_SECONDS = 24 * 3600
# ffmpeg truncates URLs in an MPD that are much longer than the URL of the MPD itself.
_LENGTH = "-" * 4096


@contextlib.contextmanager
def signed_manifests(
    package: Package, destination: Destination, movie_id: str
) -> Iterator[Callable[[str], str]]:
    """Serve the package's manifests with signed URIs; yield a function of name to manifest URL.

    Raises `PublishError` if the service could not sign them.
    """
    with tempfile.TemporaryDirectory(prefix="publish-check-") as folder:
        handler = partial(_Handler, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            # Every reader of the manifests can play the film, so their URL must be unguessable.
            name = secrets.token_urlsafe(24)
            url = f"http://127.0.0.1:{server.server_port}/{name}"
            _write(package, destination, movie_id, Path(folder) / name, url)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield lambda name: f"{url}/{name}?{_LENGTH}"
            finally:
                server.shutdown()


def _write(
    package: Package, destination: Destination, movie_id: str, folder: Path, url: str
) -> None:
    prefix = f"movies/{movie_id}/"
    # Their references are relative, so the rewriters accept any location of the film.
    location = FilmLocation(("https://bucket.invalid/",))

    def url_for(reference: Reference) -> str:
        if reference.is_manifest:
            return f"{url}/{reference.path}"
        signed: str = destination.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": destination.bucket, "Key": prefix + reference.path},
            ExpiresIn=_LIFE_SECONDS,
        )
        return signed

    for path in (*package.folder.rglob("*.m3u8"), *package.folder.rglob("*.mpd")):
        name = path.relative_to(package.folder).as_posix()
        parse = hls.parse if path.suffix == ".m3u8" else dash.parse
        try:
            manifest = parse(path.read_bytes(), path=name, film=location)
        except ManifestError as error:
            raise PublishError(f"the service could not sign {name}: {error}") from error
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(manifest.render(url_for))


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files without logging and without directory listings."""

    def list_directory(self, path: object) -> io.BytesIO | None:
        self.send_error(404)
        return None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named in the base
        pass
