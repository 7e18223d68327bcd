"""Uploading shows viewers a whole film or none, and removes what nobody reads any more."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from local.environment import BUCKET
from local.stack import Stack
from tests.support.other_servers import require_embedded_s3
from tests.support.publishing import objects
from tools.publish.check import check
from tools.publish.destination import Destination
from tools.publish.errors import PublishError
from tools.publish.former_publications import FormerPublications
from tools.publish.packaging.package import ENTRIES, Package, new_version, package
from tools.publish.probe import probe
from tools.publish.upload import Upload


@pytest.fixture(scope="module")
def packages(film: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Package, Package]:
    """The film, packaged as two versions, each of which is uploaded as several films."""

    def make() -> Package:
        folder = tmp_path_factory.mktemp("package") / "film"
        version = new_version(datetime.now(UTC).timestamp())
        return package(
            probe(film), folder, version=version, title="", preset="ultrafast", on_seconds=print
        )

    return make(), make()


def test_unreadable_publications_go(
    destination: Destination, packages: tuple[Package, Package]
) -> None:
    """Versions replaced more than seven days ago are removed, later ones are kept."""
    movie_id = str(uuid4())
    first, second = packages
    for each in (first, second):
        Upload(destination, movie_id, each).run(lambda *_: None)
    now = datetime.now(UTC)

    assert FormerPublications(destination, movie_id, now).remove_unreadable() == 0
    later = FormerPublications(destination, movie_id, now + timedelta(days=8))
    assert sorted(later.versions) == sorted([first.version, second.version])
    assert later.remove_unreadable() == 1
    left = objects(destination, movie_id)
    assert {name.partition("/")[0] for name in left} == {*ENTRIES, second.version}


def test_check_without_service(destination: Destination, packages: tuple[Package, Package]) -> None:
    """Without the service, the film plays with locally signed URLs; a lost segment is detected."""
    movie_id, each = str(uuid4()), packages[0]
    Upload(destination, movie_id, each).run(lambda *_: None)

    check(each, destination, movie_id, None)

    lost = f"movies/{movie_id}/{each.film.audio[1].path}/00002.m4s"
    destination.client.delete_object(Bucket=BUCKET, Key=lost)
    with pytest.raises(PublishError, match="does not play") as failure:
        check(each, destination, movie_id, None)
    assert "X-Amz-Signature" not in str(failure.value)


def test_manifests_last(destination: Destination, packages: tuple[Package, Package]) -> None:
    """While segments are uploaded, the film cannot be started."""
    movie_id = str(uuid4())
    seen: set[str] = set()

    Upload(destination, movie_id, packages[0]).run(
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
    destination: Destination, packages: tuple[Package, Package], *, is_new: bool
) -> None:
    """Ctrl-C during the upload removes a new film, and leaves an existing one unchanged."""
    movie_id = str(uuid4())
    if not is_new:
        Upload(destination, movie_id, packages[0]).run(lambda *_: None)
    before = objects(destination, movie_id)

    def press(files: int, sent: int, of_files: int) -> None:
        if files == of_files // 2:
            os.kill(os.getpid(), signal.SIGINT)

    upload = Upload(destination, movie_id, packages[1])
    with pytest.raises(KeyboardInterrupt):
        upload.run(press)

    assert not upload.is_done
    assert objects(destination, movie_id) == before


def test_forbidden(stack: Stack, packages: tuple[Package, Package]) -> None:
    """A read-only key is rejected in one line, and no file remains."""
    require_embedded_s3(stack)
    keys = stack.state.credentials
    reader = stack.s3.client(keys.s3_service_access_key, keys.s3_service_secret_key)
    movie_id = str(uuid4())

    with pytest.raises(PublishError, match="bucket vod refuses PutObject"):
        Upload(Destination(BUCKET, reader), movie_id, packages[0]).run(lambda *_: None)

    assert not objects(Destination(BUCKET, stack.s3.admin_client), movie_id)
