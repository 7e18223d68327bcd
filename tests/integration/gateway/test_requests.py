"""Requests reach functions, and come back, as with API Gateway and Lambda."""

import base64
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.gateway_process import Answer, GatewayProcess, is_running
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway for tests that do not change it."""
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), GREETING="good day")
    gateway.start()
    yield gateway
    gateway.stop()


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


def test_aborted_upload_reaches_no_function(own: GatewayProcess) -> None:
    """An incomplete body is not passed to a function."""
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(b"POST /open/aborted HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
    assert own("GET", "/open/whole").status == 200
    own.stop()
    assert "/open/whole" in own.text
    assert "/open/aborted" not in own.text
