"""The local gateway as a process: real HTTP requests, real workers, real signals."""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/gateway"
READY = re.compile(r"gateway: http://127\.0\.0\.1:(\d+) ")


class Answer:
    """A complete response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class GatewayProcess:
    """A gateway on a free port, serving a copy of the test service."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        shutil.copytree(DATA, folder, dirs_exist_ok=True)
        (folder / "environment.json").write_text(json.dumps(environment))
        (folder / "demo.json").write_text('{"films": []}')
        self.port = 0

    @property
    def command(self) -> list[str]:
        """Return the command line."""
        options = {
            "--port": str(self.port),
            "--template": str(self.folder / "template.yaml"),
            "--environment": str(self.folder / "environment.json"),
            "--demo": str(self.folder / "demo.json"),
        }
        listed = [part for option in options.items() for part in option]
        return [sys.executable, "-m", "local.gateway", *listed]

    def start(self, command: list[str] | None = None) -> None:
        """Start it and wait until it listens."""
        self.log: list[str] = []
        self.process = subprocess.Popen(
            command or self.command, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        ready = eventually(lambda: READY.search(self.text) or self.process.poll() is not None)
        assert isinstance(ready, re.Match), self.text
        self.port = int(ready.group(1))

    @property
    def text(self) -> str:
        """Return the log so far."""
        return "".join(self.log)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; return its exit status after its log is complete."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        self._reader.join(60)
        return status

    def __call__(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> Answer:
        """Send one request; underscores in names of headers become hyphens."""
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        ) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            return Answer(connection.getresponse())

    def behave(self, do: str, **order: Any) -> Answer:
        """Call the misbehaving function with an instruction."""
        return self("POST", "/behave", json.dumps({"do": do, **order}), content_type="text/plain")

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.log.extend(iter(lines.readline, ""))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway for tests that do not change it."""
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), GREETING="good day")
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway for a test that changes or ends it."""
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    yield gateway
    if gateway.process.poll() is None:
        gateway.stop(signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_function_gets_event_context_and_environment(shared: GatewayProcess) -> None:
    """A request through authorizer and route arrives with all data that Lambda passes."""
    answer = shared("POST", "/guarded/a%20b?x=1", '{"a": 1}', Authorization="Bearer t")
    assert answer.status == 200
    seen = answer.json()
    assert seen["event"]["rawPath"] == "/guarded/a b"
    assert seen["event"]["pathParameters"] == {"name": "a b"}
    assert seen["event"]["requestContext"]["authorizer"]["lambda"]["calls"] >= 1
    assert seen["environment"]["GREETING"] == "good day"
    assert seen["environment"]["POLITE"] == "no"
    assert "DATABASE_URL" not in seen["environment"]
    assert seen["context"]["function_name"] == "EchoFunction"
    assert seen["context"]["memory_limit_in_mb"] == "256"
    assert 4000 < seen["context"]["remaining"] <= 5000
    assert answer.headers["apigw-requestid"] == seen["event"]["requestContext"]["requestId"]


def test_output_of_a_function_is_in_the_log(shared: GatewayProcess) -> None:
    """A handler's output appears with its function's name, and each request is one line."""
    shared("GET", "/open/logged")
    eventually(lambda: "[EchoFunction] echo was asked\n" in shared.text)
    eventually(
        lambda: re.search(r"^GET /open/logged 200 \d+ms EchoFunction$", shared.text, re.MULTILINE)
    )


def test_unknown_route_is_not_found(shared: GatewayProcess) -> None:
    """Without a matching route the response is API Gateway's 404."""
    answer = shared("GET", "/nowhere")
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_authorizer_turns_away(shared: GatewayProcess) -> None:
    """No identity 401, a denial 403, a failed authorizer 500, with API Gateway's messages."""
    for token, status, text in [
        (None, 401, "Unauthorized"),
        ("deny", 403, "Forbidden"),
        ("break", 500, "Internal Server Error"),
        ("raise", 500, "Internal Server Error"),
    ]:
        headers = {"Authorization": token} if token else {}
        answer = shared("GET", "/guarded/x", **headers)
        assert (answer.status, answer.json()) == (status, {"message": text})


def test_authorizer_answer_is_cached_by_identity(own: GatewayProcess) -> None:
    """The same token calls the authorizer once, another token calls it again."""

    def calls(token: str) -> int:
        answer = own("GET", "/guarded/x", Authorization=token).json()
        count: int = answer["event"]["requestContext"]["authorizer"]["lambda"]["calls"]
        return count

    assert [calls("one"), calls("one"), calls("two"), calls("one")] == [1, 1, 2, 1]


def test_edited_authorizer_forgets_what_it_said(own: GatewayProcess) -> None:
    """An edit of the authorizer invalidates a cached decision."""
    assert own("GET", "/guarded/x", Authorization="t").status == 200
    code = own.folder / "functions/authorizer/app.py"
    code.write_text("def handler(event, context):\n    return {'isAuthorized': False}\n")
    assert own("GET", "/guarded/x", Authorization="t").status == 403


def test_edit_takes_effect_on_the_next_request(own: GatewayProcess) -> None:
    """The next request uses an edited handler, and an edited layer, each time."""
    layer = own.folder / "layers/shared/python/shared_words.py"
    second = (time.time_ns() // 1_000_000_000 - 60) * 1_000_000_000
    for number, word in enumerate(("first", "other", "third", "forth")):
        layer.write_text(f'WORD = "{word}"\n')
        # The same length within the same second, long enough ago for byte code to be kept.
        saved = second + number * 1_000_000
        os.utime(layer, ns=(saved, saved))
        assert own("GET", "/open/x").json()["word"] == word
    handler = own.folder / "functions/echo/app.py"
    handler.write_text("def handler(event, context):\n    return 'edited'\n")
    assert own("GET", "/open/x").body == b"edited"


def test_broken_edit_is_an_error_until_it_is_repaired(own: GatewayProcess) -> None:
    """A handler that cannot be imported returns 500, its traceback is logged, and it recovers."""
    handler = own.folder / "functions/echo/app.py"
    good = handler.read_text()
    handler.write_text("import no_such_module\n")
    assert own("GET", "/open/x").status == 500
    eventually(lambda: "No module named 'no_such_module'" in own.text)
    handler.write_text(good)
    assert own("GET", "/open/x").status == 200


def test_crash_is_500_and_the_worker_is_replaced(shared: GatewayProcess) -> None:
    """If a process ends, only its own request fails."""
    before = shared.behave("nothing").json()["pid"]
    answer = shared.behave("crash")
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')
    assert shared.behave("nothing").json()["pid"] != before


def test_raised_error_is_500_and_keeps_the_worker(shared: GatewayProcess) -> None:
    """An exception is logged with its traceback; the environment stays warm."""
    before = shared.behave("nothing").json()["pid"]
    assert shared.behave("raise").status == 500
    eventually(lambda: "[BehaveFunction] [ERROR] ValueError: as told" in shared.text)
    assert shared.behave("nothing").json()["pid"] == before


def test_timeout_is_500_and_kills_the_worker(shared: GatewayProcess) -> None:
    """The template's timeout ends the process, as in Lambda."""
    before = shared.behave("nothing").json()["pid"]
    assert shared.behave("hang").status == 500
    eventually(lambda: not is_running(before))
    eventually(lambda: "Task timed out after 1.00 seconds" in shared.text)
    assert shared.behave("nothing").status == 200


def test_invalid_result_is_500(shared: GatewayProcess) -> None:
    """A result that is not a response of format 2.0 is 500, and the log gives the reason."""
    assert shared.behave("answer", answer={"statusCode": 200, "body": {}}).status == 500
    eventually(lambda: "body is not a string" in shared.text)


def test_binary_travels_both_ways(shared: GatewayProcess) -> None:
    """Bytes arrive base64-encoded and are decoded in the response."""
    sent = bytes(range(256))
    seen = shared("POST", "/open/x", sent, content_type="application/octet-stream").json()
    assert base64.b64decode(seen["event"]["body"]) == sent
    encoded = base64.b64encode(sent).decode()
    reply = {"statusCode": 200, "body": encoded, "isBase64Encoded": True}
    assert shared.behave("answer", answer=reply).body == sent


def test_too_large_body_is_413(shared: GatewayProcess) -> None:
    """API Gateway accepts at most 10 MB."""
    answer = shared("POST", "/open/x", b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.json()) == (413, {"message": "Request Entity Too Large"})


def test_concurrent_events_run_in_separate_processes(
    shared: GatewayProcess, tmp_path: Path
) -> None:
    """An environment processes one event at a time: three concurrent ones need three processes."""
    with ThreadPoolExecutor(3) as threads:
        answers = [
            threads.submit(shared.behave, "meet", folder=str(tmp_path), count=3) for _ in range(3)
        ]
    seen = [answer.result().json() for answer in answers]
    assert len({answer["pid"] for answer in seen}) == 3


def test_preflight_is_answered_by_the_gateway(shared: GatewayProcess) -> None:
    """OPTIONS needs neither route nor token; other responses have the API's CORS headers."""
    origin = "https://player.example"
    asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
    answer = shared("OPTIONS", "/behave", **asked)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-max-age"] == "600"
    reply = shared("GET", "/open/x", Origin=origin)
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["access-control-expose-headers"] == "retry-after"


def test_invoke_api_runs_any_function(shared: GatewayProcess) -> None:
    """The Lambda API returns results, marks errors, rejects unknown functions and browsers."""

    def invoke(name: str, event: Any, **headers: str) -> Answer:
        path = f"/2015-03-31/functions/{name}/invocations"
        return shared("POST", path, json.dumps(event), **headers)

    order = {"body": json.dumps({"do": "answer", "answer": [1, 2]})}
    assert invoke("BehaveFunction", order).json() == [1, 2]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:BehaveFunction"
    assert invoke(arn.replace(":", "%3A"), order).json() == [1, 2]
    failed = invoke("BehaveFunction", {"body": '{"do": "raise"}'})
    assert failed.status == 200
    assert failed.headers["x-amz-function-error"] == "Unhandled"
    assert failed.json()["errorType"] == "ValueError"
    assert invoke("Absent", {}).status == 404
    assert invoke("BehaveFunction", order, X_Amz_Invocation_Type="Event").status == 202
    assert invoke("BehaveFunction", order, Origin="https://evil.example").status == 403


def test_files_of_the_player_page(shared: GatewayProcess) -> None:
    """The page and its modules have the right types, 304 if unchanged; other files are absent."""
    page = shared("GET", "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"Player" in page.body
    module = shared("GET", "/web/player.mjs")
    assert module.headers["content-type"] == "text/javascript; charset=utf-8"
    assert shared("GET", "/web/player.mjs", If_None_Match=module.headers["etag"]).status == 304
    for path in ("/web/../template.yaml", "/web/%2e%2e/template.yaml", "/web//etc/passwd", "/web/"):
        assert shared("GET", path).status == 404
    assert shared("GET", "/local/demo").json() == {"films": []}


def test_schedule_runs_with_the_schedulers_event(tmp_path: Path) -> None:
    """A scheduled function runs soon after the start, with EventBridge Scheduler's event."""
    ticks = tmp_path / "ticks"
    gateway = GatewayProcess(tmp_path / "service", TICK_FILE=str(ticks))
    gateway.start()
    try:
        event = json.loads(eventually(lambda: ticks.read_text() if ticks.exists() else ""))
    finally:
        gateway.stop()
    assert event["source"] == "aws.scheduler"
    assert event["detail-type"] == "Scheduled Event"


def test_reserved_concurrency_throttles(tmp_path: Path) -> None:
    """Above the template's reserved concurrency: 503, as API Gateway maps Lambda's 429."""
    gateway = GatewayProcess(tmp_path / "service")
    template = tmp_path / "service/template.yaml"
    template.write_text(
        template.read_text().replace(
            "Timeout: 1\n", "Timeout: 1\n      ReservedConcurrentExecutions: 0\n"
        )
    )
    gateway.start()
    try:
        answer = gateway.behave("nothing")
    finally:
        gateway.stop()
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_gateway_and_workers_quietly(own: GatewayProcess, number: int) -> None:
    """Ctrl-C and SIGTERM end everything, with status 0 and no traceback."""
    worker = own("GET", "/open/x").json()["pid"]
    assert own.stop(number) == 0
    assert not is_running(worker)
    assert "Traceback" not in own.text


@pytest.mark.parametrize("busy", [False, True])
def test_killed_gateway_leaves_no_orphans(own: GatewayProcess, busy: bool) -> None:  # noqa: FBT001
    """SIGKILL of the gateway also ends its workers, even during an event."""
    workers = [own("GET", "/open/x").json()["pid"], own.behave("nothing").json()["pid"]]
    with ThreadPoolExecutor(1) as threads:
        if busy:
            started = own.folder / "started"
            request = threads.submit(own.behave, "hang", file=str(started))
            eventually(started.exists)
        own.stop(signal.SIGKILL)
        if busy:
            assert isinstance(request.exception(10), OSError | http.client.HTTPException)
    eventually(lambda: not any(is_running(pid) for pid in workers), seconds=3)


def test_gateway_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A gateway whose parent was killed ends."""
    gateway = GatewayProcess(tmp_path)
    parent = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid); p.wait()"
    gateway.start([sys.executable, "-c", parent, *gateway.command])
    try:
        worker = gateway("GET", "/open/x").json()["pid"]
    finally:
        gateway.process.kill()
        gateway.process.wait()
    eventually(lambda: not is_running(worker), seconds=10)

    def refused() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", gateway.port)) != 0

    eventually(refused, seconds=10)


def test_signal_does_not_wait_for_a_hanging_function(own: GatewayProcess) -> None:
    """Ctrl-C during a long event: the client gets 503 soon, and there is no traceback."""
    template = own.folder / "template.yaml"
    template.write_text(template.read_text().replace("Timeout: 1\n", "Timeout: 60\n"))
    own.stop()
    own.start()
    started = own.folder / "started"
    with ThreadPoolExecutor(1) as threads:
        request = threads.submit(own.behave, "hang", file=str(started))
        eventually(started.exists)
        assert own.stop(signal.SIGINT) == 0
        assert request.result().status == 503
    assert "Traceback" not in own.text


def test_aborted_upload_reaches_no_function(own: GatewayProcess) -> None:
    """An incomplete body is not passed to a function."""
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(b"POST /open/aborted HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
    assert own("GET", "/open/whole").status == 200
    own.stop()
    assert "/open/whole" in own.text
    assert "/open/aborted" not in own.text


def test_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    """A port in use: status 1 and one line that names it."""
    gateway = GatewayProcess(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        gateway.port = other.getsockname()[1]
        ended = subprocess.run(
            gateway.command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{gateway.port}: Address already in use" in ended.stderr


def test_unsupported_template_is_one_clear_line(tmp_path: Path) -> None:
    """An unsupported property: status 1 and one line with resource and property."""
    gateway = GatewayProcess(tmp_path)
    template = tmp_path / "template.yaml"
    template.write_text(template.read_text().replace("Timeout: 1", "Colour: red"))
    ended = subprocess.run(
        gateway.command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == "gateway: BehaveFunction: the local gateway does not support Colour\n"
