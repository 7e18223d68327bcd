"""S3 over TLS, where botocore's requests differ: behind nginx, and with a strict parser."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import httpx
import pytest

from local.ports import free_ports
from local.stack import Stack
from tests.support.functions import Viewer, forget_environment, patient_request
from tests.support.http_requests import requests_in
from tests.support.redis_of_stack import client_of
from tests.support.tls import Authority, TlsFront
from tests.support.waiting import eventually

NGINX = Path("/usr/sbin/nginx")
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/chain.pem;
        ssl_certificate_key {folder}/chain.pem;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The authority that the service trusts."""
    return Authority(tmp_path, "trusted")


@pytest.fixture
def nginx(stack: Stack, authority: Authority, tmp_path: Path) -> Iterator[int]:
    """The port of Debian's nginx, which terminates TLS before S3."""
    if not NGINX.exists():
        pytest.skip("Debian's nginx is not installed")
    folder = tmp_path / "nginx"
    folder.mkdir()
    authority.issue("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "chain.pem")
    )
    (port,) = free_ports(1)
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, port=port, upstream=stack.ports.s3_port)
    )
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            [NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: (folder / "nginx.pid").exists() or server.poll() is not None)
        assert server.poll() is None, (folder / "output").read_text()
        yield port
    finally:
        server.terminate()
        server.wait()


def speak_tls_to_s3(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, port: int, authority: Authority
) -> None:
    """Begin an environment that reaches S3 over TLS, without published copies."""
    monkeypatch.setenv("S3_ENDPOINT_URL", f"https://127.0.0.1:{port}")
    monkeypatch.setenv("S3_PUBLIC_ENDPOINT_URL", f"https://127.0.0.1:{port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with closing(client_of(stack)) as redis:
        redis.flushall()
    forget_environment()


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_copies_are_published_through_nginx(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    authority: Authority,
    nginx: int,
    manifest_type: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unpublished film starts behind a proxy that rejects invalid framing."""
    speak_tls_to_s3(stack, monkeypatch, nginx, authority)

    started = viewer.start(movie_id, {"manifest_type": manifest_type})

    assert started.status == 200, started.body
    with httpx.Client() as player:
        assert player.get(started.json["manifest_url"]).status_code == 200


def test_requests_are_framed_once(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every request conforms to HTTP/1.1, and declares the length of its body in one way only."""
    context = authority.server_context("127.0.0.1")
    with TlsFront(stack.ports.s3_port, context) as front:
        speak_tls_to_s3(stack, monkeypatch, front.port, authority)
        assert viewer.start(movie_id).status == 200
        requests = [request for sent in front.received for request in requests_in(bytes(sent))]

    assert {request.method for request in requests} >= {b"GET", b"PUT"}
    for request in requests:
        names = [name for name, _ in request.headers]
        assert len(set(names) & {b"content-length", b"transfer-encoding"}) <= 1, names
        assert len(names) == len(set(names)), names


@pytest.mark.parametrize("delivery", ["s3", "direct"])
@pytest.mark.parametrize("wrong", ["authority", "host name", "plaintext"])
def test_storage_that_cannot_be_verified(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    authority: Authority,
    wrong: str,
    delivery: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With any error a start answers 503; nothing is sent, and nothing falls back to plaintext."""
    monkeypatch.setenv("DELIVERY", delivery)
    with TlsFront(stack.ports.s3_port, authority.server_context("127.0.0.1")) as front:
        port = stack.ports.s3_port if wrong == "plaintext" else front.port
        trusted = Authority(tmp_path, "stranger") if wrong == "authority" else authority
        speak_tls_to_s3(stack, monkeypatch, port, trusted)
        if wrong == "host name":
            monkeypatch.setenv("S3_ENDPOINT_URL", f"https://localhost:{port}")
            forget_environment()

        answer = viewer.start(movie_id)

        assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")
        assert front.handshakes == 0
        assert front.received == []


ELSEWHERE = {
    "redirect": (301, "eu-west-3", ""),
    "redirect that does not say": (301, None, "<Error><Code>PermanentRedirect</Code></Error>"),
    "temporary redirect": (307, "eu-west-3", ""),
    "refusal": (
        400,
        None,
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>",
    ),
    "refusal without a body": (400, "eu-west-3", ""),
}


@pytest.fixture
def foreign_bucket(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an S3 that responds as AWS does for a bucket in another region.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    status, region, text = ELSEWHERE[request.param]

    class Refusal(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _refuse(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b"" if self.command == "HEAD" else text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            if region:
                self.send_header("x-amz-bucket-region", region)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = _refuse  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Suppress the log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# Direct delivery sends HEAD, whose response has no body and always the header.
@pytest.mark.parametrize(
    ("delivery", "foreign_bucket", "told"),
    [
        ("s3", "redirect", "eu-west-3"),
        ("s3", "redirect that does not say", "another region"),
        ("s3", "temporary redirect", "eu-west-3"),
        ("s3", "refusal", "eu-west-3"),
        ("s3", "refusal without a body", "eu-west-3"),
        ("direct", "redirect", "eu-west-3"),
        ("direct", "refusal without a body", "eu-west-3"),
    ],
    indirect=["foreign_bucket"],
)
def test_bucket_in_another_region(
    stack: Stack,
    viewer: Viewer,
    foreign_bucket: str,
    delivery: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first start reports that the region is wrong, and the bucket's region if S3 named it."""
    monkeypatch.setenv("S3_ENDPOINT_URL", foreign_bucket)
    monkeypatch.setenv("S3_REGION", "eu-central-1")
    monkeypatch.setenv("DELIVERY", delivery)
    forget_environment()

    answer = replace(viewer, send=patient_request).start(uuid4())

    assert (answer.status, answer.json["code"]) == (500, "storage_misconfigured")
    assert "Location" not in answer.headers
    logged = caplog.text
    assert "S3_REGION is not the bucket's" in logged
    assert f"the bucket is not in eu-central-1 but in {told}" in logged
