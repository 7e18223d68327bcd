"""The response to CloudFormation about a migration."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from streaming.api.custom_resource import answer
from tests.support.functions import ROOT, event, invoke


class CloudFormation(BaseHTTPRequestHandler):
    """Records its requests."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_PUT(self) -> None:
        """Accept a response, as the presigned URL does: without a content type."""
        assert self.path == "/a?b=c"
        assert not self.headers["content-type"]
        self.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Suppress the log."""


@pytest.fixture
def request_event() -> Iterator[dict[str, Any]]:
    """The event of a deployment with a response URL of this machine."""
    server = HTTPServer(("127.0.0.1", 0), CloudFormation)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    CloudFormation.told.clear()
    yield {**event("migrate"), "ResponseURL": f"http://127.0.0.1:{server.server_port}/a?b=c"}
    server.shutdown()
    thread.join()
    server.server_close()


def test_success_is_told(request_event: dict[str, Any]) -> None:
    """CloudFormation gets its own identifiers back, and continues."""
    answer(request_event)

    (told,) = CloudFormation.told
    assert told["Status"] == "SUCCESS"
    assert told["RequestId"] == request_event["RequestId"]
    assert told["PhysicalResourceId"] == "Migration"


def test_failed_migration_rolls_the_deployment_back(
    request_event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFormation gets the failure immediately, without the database's address or password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:hunter2@127.0.0.1:9/nothing")
    monkeypatch.setenv("MIGRATIONS_DIRECTORY", str(ROOT / "migrations"))

    with pytest.raises(Exception, match="database"):
        invoke("migrate", request_event)

    (told,) = CloudFormation.told
    assert told["Status"] == "FAILED"
    assert "hunter2" not in json.dumps(told)


def test_deleting_the_stack_keeps_the_data(request_event: dict[str, Any]) -> None:
    """A deletion succeeds without any database."""
    assert invoke("migrate", {**request_event, "RequestType": "Delete"}) == {"applied": []}
    assert CloudFormation.told[0]["Status"] == "SUCCESS"
