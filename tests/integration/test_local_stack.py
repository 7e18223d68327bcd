"""The local stack's servers: private, only on loopback, available again after a stop."""

import contextlib
import http.client
import json
import os
import signal
import socket
import urllib.error
import urllib.request
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any

import pg8000.native
import psutil
import pytest
import redis
from botocore.exceptions import ClientError
from kafka import KafkaAdminClient, KafkaProducer

from local.demo import DEMO_USER_ID
from local.demo_film import DEMO_FILMS
from local.film_upload import upload
from local.ports import free_ports
from local.servers.redis import Redis
from local.servers.s3_ports import InternalPorts
from local.servers.server import Server
from local.stack import TOPICS, Stack
from tests.support.stored_redis import COPIES_AT_ONCE
from tests.support.waiting import eventually

SEGMENT = "movies/a/chunk_00001.ts"
COPY = "playback/1/movies/a/index.m3u8"
ELSEWHERE = "private/report.txt"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the servers on free ports, with three objects in the bucket."""
    with Stack.temporary(tmp_path_factory.mktemp("stack"), gateway=False, films=False) as stack:
        admin = stack.s3.admin_client
        for key in (SEGMENT, COPY, ELSEWHERE):
            admin.put_object(Bucket=stack.s3.bucket, Key=key, Body=b"0123456789")
        yield stack


@pytest.fixture
def signer(stack: Stack) -> Any:
    """Return a client with the key that signs URLs."""
    return stack.s3.client(stack.environment["S3_ACCESS_KEY"], stack.environment["S3_SECRET_KEY"])


@pytest.fixture
def service(stack: Stack) -> Any:
    """Return a client with the permissions of the functions' role in AWS."""
    environment = stack.environment
    return stack.s3.client(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])


def test_listens_on_loopback_only(stack: Stack) -> None:
    """No server of the stack can be reached from another machine."""
    processes = [psutil.Process(server.pid) for server in stack.servers if server.pid]
    processes += [child for process in processes for child in process.children(recursive=True)]
    sockets = [entry for process in processes for entry in process.net_connections("inet")]
    addresses = {entry.laddr.ip for entry in sockets if entry.status in ("LISTEN", "NONE")}

    assert addresses == {"127.0.0.1"}


@pytest.mark.parametrize("key", [SEGMENT, COPY, ELSEWHERE, "movies/a/missing.ts", ""])
def test_unsigned_get_is_refused(stack: Stack, key: str) -> None:
    """Without a signature nothing of the bucket is visible, not even whether an object exists."""
    status, _, _ = _request(f"{stack.s3.endpoint_url}/{stack.s3.bucket}/{key}")

    assert status == 403


@pytest.mark.parametrize("key", [SEGMENT, COPY])
def test_signed_url_plays(stack: Stack, signer: Any, key: str) -> None:
    """A URL of the signer supports ranges, from any page, with the headers that players read."""
    url = _signed(stack, signer, key)
    headers = {"Range": "bytes=2-4", "Origin": "https://player.example"}

    status, body, answer = _request(url, headers=headers)

    assert (status, body) == (206, b"234")
    assert "Content-Range" in answer["Access-Control-Expose-Headers"]
    assert answer["Access-Control-Allow-Origin"] in ("*", "https://player.example")
    assert answer["Access-Control-Allow-Credentials"] is None


def test_signer_reads_films_only(stack: Stack, signer: Any) -> None:
    """A leaked signing key allows no listing, nothing outside the films, and no write."""
    bucket = stack.s3.bucket
    attempts: list[Callable[[], Any]] = [
        lambda: signer.get_object(Bucket=bucket, Key=ELSEWHERE),
        lambda: signer.list_objects_v2(Bucket=bucket),
        lambda: signer.list_objects_v2(Bucket=bucket, Prefix="movies/"),
        lambda: signer.put_object(Bucket=bucket, Key=SEGMENT, Body=b"x"),
        lambda: signer.put_object(Bucket=bucket, Key=COPY, Body=b"x"),
        lambda: signer.delete_object(Bucket=bucket, Key=SEGMENT),
        lambda: signer.put_object_acl(Bucket=bucket, Key=SEGMENT, ACL="public-read"),
        lambda: signer.create_bucket(Bucket="mine"),
    ]

    assert ["AccessDenied"] * len(attempts) == [_refusal(attempt) for attempt in attempts]
    assert _request(_signed(stack, signer, ELSEWHERE))[0] == 403


def test_service_writes_copies_only(stack: Stack, service: Any) -> None:
    """The functions publish signed copies and look films up; they cannot change a film."""
    bucket = stack.s3.bucket
    service.put_object(Bucket=bucket, Key="playback/2/index.m3u8", Body=b"#EXTM3U")

    assert service.get_object(Bucket=bucket, Key=SEGMENT)["ContentLength"] == 10
    assert service.list_objects_v2(Bucket=bucket, Prefix="movies/a/")["KeyCount"] == 1
    assert _refusal(lambda: service.head_object(Bucket=bucket, Key="movies/a/none")) == "404"
    attempts: list[Callable[[], Any]] = [
        lambda: service.put_object(Bucket=bucket, Key=SEGMENT, Body=b"x"),
        lambda: service.delete_object(Bucket=bucket, Key=SEGMENT),
        lambda: service.get_object(Bucket=bucket, Key=ELSEWHERE),
    ]
    assert ["AccessDenied"] * len(attempts) == [_refusal(attempt) for attempt in attempts]


def test_own_key_in_the_shell_gives_no_rights(
    stack: Stack, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the environment of S3's process does not become an administrator."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, stack.environment[name])

    stack.s3.restart()

    film = {"Bucket": stack.s3.bucket, "Key": SEGMENT}
    assert _refusal(lambda: service.put_object(**film, Body=b"")) == "AccessDenied"


def test_a_key_that_may_only_read_never_writes_after_a_restart(
    stack: Stack, signer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first response of a restarted S3 on, the signer's key cannot write.

    That key is in the environment of the restart, where SeaweedFS would make it an administrator.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", stack.environment["S3_ACCESS_KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", stack.environment["S3_SECRET_KEY"])
    film = {"Bucket": stack.s3.bucket, "Key": SEGMENT}
    url = signer.generate_presigned_url("put_object", Params=film)

    def write() -> int:
        return _request(url, method="PUT", body=b"x")[0]

    answers = [write()]
    with ThreadPoolExecutor(1) as pool:
        restart = pool.submit(stack.s3.restart)
        while not restart.done():
            # No server listens, or it closes the connection.
            with contextlib.suppress(OSError, http.client.HTTPException):
                answers.append(write())
        restart.result()
    answers.append(write())

    assert (answers[0], answers[-1]) == (403, 403)
    assert not [each for each in answers if each < 400], answers


@pytest.mark.parametrize("name", ["redis", "kafka", "user_service"])
def test_comes_back_on_its_port(stack: Stack, name: str) -> None:
    """A test can stop a dependency and start it again at the same address."""
    server: Server = getattr(stack, name)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
    assert not server.crashed

    server.start()

    socket.create_connection(("127.0.0.1", server.port), timeout=1).close()


def test_topics_are_back_after_a_restart(stack: Stack) -> None:
    """The broker loses all messages on a restart, but always has the service's topics."""
    stack.kafka.restart()
    client = KafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap_servers)
    with contextlib.closing(client):
        assert set(TOPICS) <= set(client.list_topics())


def test_topics_that_a_client_has_made(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that requests a topic while the broker starts does not prevent its start."""
    bootstrap_servers = stack.kafka.bootstrap_servers
    list_topics = KafkaAdminClient.list_topics

    def list_and_let_a_client_ask(client: KafkaAdminClient) -> list[str]:
        listed: list[str] = list_topics(client)
        with contextlib.closing(KafkaProducer(bootstrap_servers=bootstrap_servers)) as producer:
            assert producer.partitions_for(TOPICS[0])
        return listed

    with monkeypatch.context() as patches:
        patches.setattr(KafkaAdminClient, "list_topics", list_and_let_a_client_ask)
        stack.kafka.restart()

    with contextlib.closing(KafkaAdminClient(bootstrap_servers=bootstrap_servers)) as client:
        assert set(TOPICS) <= set(client.list_topics())
    stack.kafka.restart()


def test_rows_survive_a_killed_server(stack: Stack) -> None:
    """Data committed in PostgreSQL are there after SIGKILL, whatever files remain."""
    value = uuid.uuid4()
    with contextlib.closing(_database(stack)) as database:
        database.run("CREATE TABLE kept AS SELECT CAST(:value AS uuid) AS value", value=value)
    stack.postgres.kill()

    stack.postgres.start()

    with contextlib.closing(_database(stack)) as database:
        assert [[value]] == database.run("SELECT value FROM kept")


def test_objects_survive_a_killed_server(stack: Stack) -> None:
    """Objects accepted by the bucket are there after SIGKILL."""
    client = stack.s3.admin_client
    client.put_object(Bucket=stack.s3.bucket, Key="playback/3/kept", Body=b"kept")
    stack.s3.kill()

    stack.s3.start()

    def kept() -> bytes | None:
        # Not all volumes are available when the first can be read.
        with contextlib.suppress(ClientError):
            body: bytes = client.get_object(Bucket=stack.s3.bucket, Key="playback/3/kept")[
                "Body"
            ].read()
            return body
        return None

    assert eventually(kept) == b"kept"


def test_a_copy_of_redis_is_not_kept(stack: Stack) -> None:
    """A replica stores its copy nowhere: it is empty after a restart, as every local Redis."""
    ports = free_ports(2)
    primary, replica = (Redis(port, stack.state) for port in ports)
    primary.more_options = COPIES_AT_ONCE
    with contextlib.ExitStack() as opened:
        for server in (primary, replica):
            opened.callback(server.stop)
            server.start()
        clients = [redis.Redis(port=port, decode_responses=True) for port in ports]
        for client in clients:
            opened.callback(client.close)
        written, copied = clients
        written.set("film", "copied")
        copied.replicaof("127.0.0.1", str(ports[0]))
        eventually(lambda: copied.get("film") == "copied")

        replica.stop()
        replica.start()

        assert copied.dbsize() == 0
        assert not list(stack.state.folder.rglob("*.rdb"))


def test_crash_is_noticed(stack: Stack) -> None:
    """A server that ended unexpectedly counts as crashed, and can be started again."""
    assert stack.redis.pid
    os.kill(stack.redis.pid, signal.SIGKILL)
    eventually(lambda: stack.redis.crashed)

    stack.redis.start()

    assert stack.redis.running
    assert not stack.redis.crashed


def test_subscriptions_are_set_and_kept(stack: Stack) -> None:
    """A developer sets subscriptions, which persist when the user service restarts."""
    user_id = str(uuid.uuid4())
    subscription = {"is_active": True, "plan_id": "premium", "max_streams": 2}
    assert _subscription(stack, stack.token(user_id))[0] == 404

    url = f"{stack.user_service.url}/local/subscriptions/{user_id}"
    assert _request(url, method="PUT", body=json.dumps(subscription).encode())[0] == 200
    stack.user_service.restart()

    assert (200, subscription) == _subscription(stack, stack.token(user_id))


def test_demo_user_has_paid(stack: Stack) -> None:
    """The printed token is valid for a start."""
    status, subscription = _subscription(stack, stack.token(DEMO_USER_ID))

    assert (status, subscription["is_active"]) == (200, True)


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"sub": "nobody"}, {"sub": None}], ids=["expired", "no uuid", "no sub"]
)
def test_user_service_refuses_bad_tokens(stack: Stack, claims: dict[str, Any]) -> None:
    """The substitute verifies the token as the real service does."""
    token = stack.token(**{key: value for key, value in claims.items() if value is not None})
    if claims.get("sub", "") is None:
        token = token[:-4] + "AAAA"

    assert _subscription(stack, token)[0] == 401


def test_user_service_answers_what_is_nested_deeply(stack: Stack) -> None:
    """A deeply nested token or document does not end the connection."""
    nested = b"[" * 3_000 + b"]" * 3_000
    token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (nested, b"{}", b"x"))
    url = f"{stack.user_service.url}/local/subscriptions/{uuid.uuid4()}"

    assert _subscription(stack, token)[0] == 401
    # The maximum depth differs between versions of Python; a list is no subscription in any case.
    assert _request(url, method="PUT", body=nested)[0] in (400, 422)


def test_film_is_uploaded_once(stack: Stack, tmp_path: Path) -> None:
    """A film arrives complete, with media types, its manifests last, and is not sent again."""
    film = DEMO_FILMS[0]
    names = ["index.mpd", "index.m3u8", "media_0.m3u8", "init-stream0.m4s"]
    (tmp_path / film.movie_id).mkdir()
    for name in names:
        (tmp_path / film.movie_id / name).write_text(name)
    client, bucket = stack.s3.admin_client, stack.s3.bucket
    sent: list[str] = []
    client.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: sent.append(params["url_path"])
    )

    uploaded = [upload(film, tmp_path, client=client, bucket=bucket) for _ in range(2)]

    assert uploaded == [4, 0]
    assert [Path(path).name for path in sent] == [
        "init-stream0.m4s",
        "media_0.m3u8",
        "index.m3u8",
        "index.mpd",
    ]
    prefix = f"movies/{film.movie_id}"
    types = [client.head_object(Bucket=bucket, Key=f"{prefix}/{n}")["ContentType"] for n in names]
    assert types == [
        "application/dash+xml",
        "application/vnd.apple.mpegurl",
        "application/vnd.apple.mpegurl",
        "video/iso.segment",
    ]


def test_secrets_are_private(stack: Stack) -> None:
    """Only the developer can read the files with secrets."""
    files = [path for path in stack.state.folder.iterdir() if path.suffix == ".json"]

    assert {0o600} == {path.stat().st_mode & 0o777 for path in files}
    assert {"secrets.json", "environment.json", "stack.json"} <= {path.name for path in files}


def test_stopped_stack_leaves_nothing(tmp_path: Path) -> None:
    """After the stop no process runs, no port is in use, and stack.json is removed."""
    with Stack.temporary(tmp_path, gateway=False, films=False) as stack:
        assert json.loads((tmp_path / "stack.json").read_text())["API_URL"] == stack.api_url
        processes = psutil.Process().children(recursive=True)
        ports = json.loads((tmp_path / "s3" / "ports.json").read_text())
        sockets = InternalPorts(**ports).sockets
        assert [path for path in sockets if path.exists()]
        pids = {server.pid for server in stack.servers}

    assert not (tmp_path / "stack.json").exists()
    assert not [process for process in processes if process.pid in pids and process.is_running()]
    stack.ports.claim()
    assert not [path for path in sockets if path.exists()]


def _request(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, Message]:
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def _signed(stack: Stack, client: Any, key: str) -> str:
    parameters = {"Bucket": stack.s3.bucket, "Key": key}
    url: str = client.generate_presigned_url("get_object", Params=parameters)
    return url


def _refusal(attempt: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        attempt()
    return str(caught.value.response["Error"]["Code"])


def _subscription(stack: Stack, token: str) -> tuple[int, Any]:
    url = f"{stack.user_service.url}/api/v1/subscriptions/current"
    status, body, _ = _request(url, headers={"Authorization": f"Bearer {token}"})
    return status, json.loads(body)


def _database(stack: Stack) -> Any:
    return pg8000.native.Connection(
        "streaming_service",
        host="127.0.0.1",
        port=stack.ports.postgres_port,
        database="streaming_db",
        password=stack.state.credentials.postgres_password,
    )
