"""Publishing to an S3 that fails in the middle, and to one over TLS, by the command line."""

import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from local.environment import BUCKET
from local.stack import Stack
from tests.e2e.publish.conftest import PublishHere
from tests.support.failing_s3 import FailingS3, Refuses
from tests.support.film_maker import ffmpeg, h264, picture, tone
from tests.support.other_servers import require_embedded_s3
from tests.support.publishing import objects, publish, shell
from tests.support.tls import Authority, TlsFront
from tools.publish.destination import Destination
from tools.publish.packaging.package import ENTRIES, Package, new_version, package
from tools.publish.probe import probe
from tools.publish.upload import Upload


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of two segments."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    options = (*h264(), "-c:a", "aac")
    ffmpeg(*picture("green", 4.4, rate=10), *tone(440, 4.4), *options, str(path))
    return path


@pytest.fixture(scope="module")
def former(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The film as it was packaged before."""
    return package(
        probe(film),
        tmp_path_factory.mktemp("former") / "film",
        version=new_version(time.time()),
        title="",
        preset="ultrafast",
        on_seconds=lambda _: None,
    )


@pytest.fixture
def destination(stack: Stack) -> Destination:
    """The stack's bucket, with the key that may write to it."""
    require_embedded_s3(stack)
    return Destination(BUCKET, stack.s3.admin_client)


@pytest.fixture
def environment(stack: Stack) -> dict[str, str]:
    """A shell with the key of an uploader."""
    keys = stack.state.credentials
    return {
        **shell(),
        "AWS_ACCESS_KEY_ID": keys.s3_admin_access_key,
        "AWS_SECRET_ACCESS_KEY": keys.s3_admin_secret_key,
    }


def after(count: int, method: str, part_of_name: str) -> Refuses:
    """Refuse requests of one kind, after the first ``count`` of them."""
    seen: list[str] = []

    def refuses(sent: str, path: str) -> bool:
        if sent != method or part_of_name not in path:
            return False
        seen.append(path)
        return len(seen) > count

    return refuses


def every(kind: str, name: str) -> Callable[[], Refuses]:
    """Refuse all requests of one kind."""
    return lambda: after(0, kind, name)


@pytest.mark.parametrize("is_new", [True, False], ids=["new film", "replaced film"])
@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        pytest.param(lambda: after(3, "PUT", ".m4s"), "refuses PutObject", id="segments"),
        pytest.param(every("PUT", ENTRIES[0]), "refuses PutObject", id="poster"),
        pytest.param(every("PUT", ENTRIES[1]), "refuses PutObject", id="first manifest"),
        pytest.param(every("GET", "00002.m4s"), "the film was removed", id="unreadable"),
    ],
)
def test_s3_fails_in_the_middle(
    stack: Stack,
    destination: Destination,
    environment: dict[str, str],
    film: Path,
    former: Package,
    publish_here: PublishHere,
    refuses: Callable[[], Refuses],
    told: str,
    *,
    is_new: bool,
) -> None:
    """After a failed upload or check, the bucket is as before, and the reason is reported."""
    movie_id = uuid4()
    with FailingS3(stack.ports.s3_port, lambda *_: False) as s3:
        arguments = (f"--bucket={BUCKET}", f"--endpoint-url={s3.url}", f"--movie-id={movie_id}")
        if not is_new:
            Upload(destination, str(movie_id), former).run(lambda *_: None)
        before = objects(destination, movie_id)
        s3.refuses = refuses()

        run = publish_here(*arguments, str(film), environment=environment)

    assert s3.refused
    assert run.returncode == 1
    assert told in run.stderr.splitlines()[-1]
    assert run.stdout == ""
    assert objects(destination, movie_id) == before


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A private certificate authority."""
    return Authority(tmp_path, "trusted")


def test_over_tls(
    stack: Stack,
    destination: Destination,
    environment: dict[str, str],
    film: Path,
    authority: Authority,
    tmp_path: Path,
) -> None:
    """A film is uploaded and played over TLS, with the authorities of SSL_CERT_FILE only."""
    movie_id = uuid4()
    stranger = Authority(tmp_path, "stranger")
    with TlsFront(stack.ports.s3_port, authority.server_context("127.0.0.1")) as front:
        run = publish(
            *(f"--bucket={BUCKET}", f"--endpoint-url=https://127.0.0.1:{front.port}"),
            *(f"--movie-id={movie_id}", str(film)),
            environment={
                **environment,
                "SSL_CERT_FILE": str(authority.file),
                "AWS_CA_BUNDLE": str(stranger.file),
            },
        )

    assert run.returncode == 0, run.stderr
    assert "HLS   100 %" in run.stderr
    assert "DASH  100 %" in run.stderr
    assert set(ENTRIES) <= set(objects(destination, movie_id))


@pytest.mark.parametrize("variable", [None, "SSL_CERT_FILE", "AWS_CA_BUNDLE"])
def test_a_server_of_an_unknown_authority(
    stack: Stack,
    destination: Destination,
    environment: dict[str, str],
    film: Path,
    authority: Authority,
    tmp_path: Path,
    variable: str | None,
) -> None:
    """Without the server's authority in SSL_CERT_FILE, nothing is sent to the server."""
    movie_id = uuid4()
    other = authority if variable == "AWS_CA_BUNDLE" else Authority(tmp_path, "stranger")
    with TlsFront(stack.ports.s3_port, authority.server_context("127.0.0.1")) as front:
        run = publish(
            *(f"--bucket={BUCKET}", f"--endpoint-url=https://127.0.0.1:{front.port}"),
            *(f"--movie-id={movie_id}", str(film)),
            environment=environment | ({variable: str(other.file)} if variable else {}),
        )

    assert run.returncode == 1
    assert "SSL" in run.stderr
    assert "Encoding" not in run.stderr
    assert not objects(destination, movie_id)


def test_a_file_of_authorities_that_is_missing(
    environment: dict[str, str], film: Path, tmp_path: Path
) -> None:
    """SSL_CERT_FILE has to name a file, as in the functions."""
    run = publish(
        *("--bucket=films", "--endpoint-url=https://127.0.0.1:9", str(film)),
        environment=environment | {"SSL_CERT_FILE": str(tmp_path / "missing.pem")},
    )

    assert run.returncode == 1
    assert run.stderr == f"error: SSL_CERT_FILE is no file: '{tmp_path / 'missing.pem'}'\n"
