"""Uploads a package atomically: the film becomes visible when it is complete, or not at all.

Segments are uploaded first, in parallel, under names that no earlier publication used. Then the
entries, the objects with fixed names, are replaced one after the other, the manifests last. If one
of them fails, the former ones are restored. If the upload ends early, its objects are removed.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools.console import say
from tools.publish.destination import Destination
from tools.publish.errors import PublishError
from tools.publish.interruption import uninterrupted
from tools.publish.packaging.package import ENTRIES, Package

OnProgress = Callable[[int, int, int], None]
"""Called with the files uploaded, the bytes uploaded, and the total number of files."""

_UPLOADERS = 8
_MISSING = ("404", "NoSuchKey", "NotFound")
# The content of a name never changes, so caches may keep it.
_FOREVER = "max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".vtt": "text/vtt; charset=utf-8",
}


class Upload:
    """The upload of one publication of a film to `movies/{movie_id}/`."""

    def __init__(self, destination: Destination, movie_id: str, package: Package) -> None:
        self._client = destination.client
        self._bucket = destination.bucket
        self._prefix = f"movies/{movie_id}/"
        self._package = package
        self.is_done = False
        self._begun: set[str] = set()
        self._former: Mapping[str, bytes | None] = {}
        self._is_over = threading.Event()

    def run(self, on_progress: OnProgress) -> None:
        """Upload the film to the bucket.

        Raises `PublishError` and `KeyboardInterrupt`; the film in the bucket is then unchanged.
        """
        with as_publish_errors(self._bucket):
            self._former = {name: self._read(name) for name in ENTRIES}
            try:
                self._upload_content(on_progress)
                with uninterrupted():
                    self._replace_entries()
            except BaseException:
                if self._begun and not self.is_done:
                    with contextlib.suppress(KeyboardInterrupt), uninterrupted():
                        self._remove_content()
                raise

    def _upload_content(self, on_progress: OnProgress) -> None:
        content = self._package.folder / self._package.version
        files = sorted(path for path in content.rglob("*") if path.is_file())
        done = sent = 0
        pool = ThreadPoolExecutor(_UPLOADERS)
        try:
            pending = {pool.submit(self._put_file, path): path for path in files}
            for future in as_completed(pending):
                future.result()
                done, sent = done + 1, sent + pending[future].stat().st_size
                on_progress(done, sent, len(files))
        finally:
            # Running uploads finish, so that their objects can be removed; no others are started.
            self._is_over.set()
            with uninterrupted():
                pool.shutdown(cancel_futures=True)

    def _replace_entries(self) -> None:
        replaced = []
        try:
            for name in ENTRIES:
                replaced.append(name)
                self._put(name, (self._package.folder / name).read_bytes(), _ASK_AGAIN)
        except BaseException:
            self._restore(reversed(replaced))
            raise
        self.is_done = True

    def undo(self) -> None:
        """Restore the former film in the bucket. Raises `PublishError`."""
        with as_publish_errors(self._bucket), uninterrupted():
            self._restore(reversed(ENTRIES))
            self.is_done = False
            self._remove_content()

    def _restore(self, names: Iterable[str]) -> None:
        for name in names:
            body = self._former[name]
            if body is None:
                self._delete(name)
            else:
                self._put(name, body, _ASK_AGAIN)

    def _remove_content(self) -> None:
        say("Removing the uploaded objects ...")
        with ThreadPoolExecutor(_UPLOADERS) as pool:
            left = list(pool.map(self._delete, sorted(self._begun))).count(False)
        if left:
            folder = f"{self._prefix}{self._package.version}/"
            say(f"{left} objects below {folder} could not be removed; no manifest refers to them")

    def _delete(self, name: str) -> bool:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
        except (BotoCoreError, ClientError):
            return False
        return True

    def _put_file(self, path: Path) -> None:
        if self._is_over.is_set():
            return
        name = path.relative_to(self._package.folder).as_posix()
        self._begun.add(name)
        self._put(name, path.read_bytes(), _FOREVER)

    def _put(self, name: str, body: bytes, cache_control: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=self._prefix + name,
            Body=body,
            ContentType=content_type(name),
            CacheControl=cache_control,
        )

    def _read(self, name: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except ClientError as error:
            if error.response["Error"].get("Code") in _MISSING:
                return None
            raise
        body: bytes = answer["Body"].read()
        return body


def require_writable(destination: Destination, movie_id: str) -> None:
    """Write an object below the film's prefix and remove it. Raises `PublishError`.

    A missing permission is thus reported before hours of encoding.
    """
    key = f"movies/{movie_id}/write-check-{os.urandom(4).hex()}"
    with as_publish_errors(destination.bucket):
        destination.client.put_object(Bucket=destination.bucket, Key=key, Body=b"")
        destination.client.delete_object(Bucket=destination.bucket, Key=key)


def content_type(name: str) -> str:
    """Return the media type of an object by its path in the package."""
    suffix = Path(name).suffix
    if suffix in (".mp4", ".m4s"):
        return "audio/mp4" if "/audio-" in name else "video/mp4"
    return _CONTENT_TYPES[suffix]


@contextlib.contextmanager
def as_publish_errors(bucket: str) -> Iterator[None]:
    """Convert errors of S3 and of the connection to `PublishError`, with a message of one line."""
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        why = told.get("Message") or told.get("Code")
        raise PublishError(f"bucket {bucket} refuses {error.operation_name}: {why}") from error
    except (BotoCoreError, OSError) as error:
        raise PublishError(f"bucket {bucket}: {error}") from error
