"""`make run` with a developer's own servers, for which the tests use another stack."""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import httpx
import psutil
import pytest

from local.errors import LocalError
from local.own_servers import OwnServers
from local.ports import Ports
from local.stack import Stack
from tests.support.tls import Authority, TlsFront
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Running servers without data."""
    folder = tmp_path_factory.mktemp("others")
    with Stack.temporary(folder, gateway=False, films=False) as stack:
        yield stack


def variables(others: Stack) -> dict[str, str]:
    """Return the variables of a developer who has these servers."""
    keys, environment = others.state.credentials, others.environment
    return {
        "S3_ENDPOINT_URL": others.s3.endpoint_url,
        "S3_ACCESS_KEY": keys.s3_admin_access_key,
        "S3_SECRET_KEY": keys.s3_admin_secret_key,
        "S3_BUCKET_NAME": "films",
        "DATABASE_URL": environment["DATABASE_URL"],
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": environment["REDIS_PORT"],
        "KAFKA_BOOTSTRAP_SERVERS": environment["KAFKA_BOOTSTRAP_SERVERS"],
        "USER_SERVICE_URL": environment["USER_SERVICE_URL"],
        "JWT_SECRET_KEY": environment["JWT_SECRET_KEY"],
    }


def assert_a_film_plays(own: dict[str, str], tmp_path: Path) -> None:
    """Assert that `make run` with these variables plays a film and starts only the gateway."""
    ports = Ports.free()
    given = {field.name.upper(): str(getattr(ports, field.name)) for field in fields(Ports)}
    process = subprocess.Popen(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={
            **os.environ,
            **given,
            **own,
            "LOCAL_STATE_DIR": str(tmp_path / "state"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        document = tmp_path / "state" / "stack.json"
        eventually(lambda: document.exists() or process.poll() is not None)
        assert document.exists(), process.communicate()[0]
        settings = json.loads(document.read_text())
        commands = " ".join(
            word
            for child in psutil.Process(process.pid).children(recursive=True)
            for word in child.cmdline()
        )
        assert not [name for name in ("weed", "postgres", "valkey", "tansu") if name in commands]

        started = httpx.post(
            f"{settings['API_URL']}/api/v1/stream/{settings['DEMO_MOVIE_ID']}",
            headers={"Authorization": f"Bearer {settings['DEMO_TOKEN']}"},
            timeout=30,
        )

        assert started.status_code == 200, started.text
        url = started.json()["manifest_url"]
        assert url.startswith(f"{own['S3_ENDPOINT_URL']}/films/playback/")
        trusted = ssl.create_default_context(cafile=own.get("SSL_CERT_FILE"))
        assert httpx.get(url, verify=trusted).text.startswith("#EXTM3U")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_the_product_runs_on_servers_of_ones_own(others: Stack, tmp_path: Path) -> None:
    """With all five named, a film plays from them, and only the gateway is started."""
    assert_a_film_plays(variables(others), tmp_path)


def test_a_store_with_a_private_authority(others: Stack, tmp_path: Path) -> None:
    """A film plays from an S3 over TLS, whose authority is in SSL_CERT_FILE."""
    authority = Authority(tmp_path, "trusted")
    with TlsFront(others.ports.s3_port, authority.server_context("127.0.0.1")) as front:
        own = variables(others) | {
            "S3_ENDPOINT_URL": f"https://127.0.0.1:{front.port}",
            "SSL_CERT_FILE": str(authority.file),
        }
        assert_a_film_plays(own, tmp_path)


def test_half_an_s3_is_told() -> None:
    """An S3 without its keys is reported in a sentence that names them."""
    with pytest.raises(LocalError, match="S3_ENDPOINT_URL needs S3_ACCESS_KEY and S3_SECRET_KEY"):
        OwnServers.of({"S3_ENDPOINT_URL": "http://127.0.0.1:9"})


@pytest.mark.parametrize(
    "named",
    [
        {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "9"},
        {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"},
        {"USER_SERVICE_URL": "http://127.0.0.1:9"},
        {"DATABASE_URL": "postgresql://a:b@127.0.0.1:9/c"},
        {"S3_ENDPOINT_URL": "http://127.0.0.1:9", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"},
    ],
    ids=lambda named: next(iter(named)),
)
def test_a_server_that_does_not_answer_is_told(named: dict[str, str], tmp_path: Path) -> None:
    """A named server that is not available ends the run with one line that names it."""
    own = OwnServers.of(named)

    with (
        pytest.raises(LocalError, match=r"_HOST|_SERVERS|_URL|database"),
        Stack.temporary(tmp_path, gateway=False, films=False, own=own),
    ):
        pass
