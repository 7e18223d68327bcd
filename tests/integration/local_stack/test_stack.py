"""The stack is private, only on loopback, and leaves nothing behind."""

import json
from pathlib import Path

import psutil

from local.demo_film import DEMO_FILMS
from local.film_upload import upload
from local.servers.s3_ports import InternalPorts
from local.stack import Stack


def test_listens_on_loopback_only(stack: Stack) -> None:
    """No server of the stack can be reached from another machine."""
    processes = [psutil.Process(server.pid) for server in stack.servers if server.pid]
    processes += [child for process in processes for child in process.children(recursive=True)]
    sockets = [entry for process in processes for entry in process.net_connections("inet")]
    addresses = {entry.laddr.ip for entry in sockets if entry.status in ("LISTEN", "NONE")}

    assert addresses == {"127.0.0.1"}


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
