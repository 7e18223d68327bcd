"""Responds to CloudFormation, which waits for the result of a custom resource."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from streaming.resilience.deadline import within
from streaming.resilience.stdlib_http import StdlibHttp

_SECONDS = 10.0


def answer(event: Mapping[str, Any], problem: str | None = None) -> None:
    """Report to CloudFormation that ``event`` succeeded, or failed because of ``problem``.

    An event without ``ResponseURL`` was sent manually; it needs no response. Raises ``OSError`` and
    ``http.client.HTTPException`` if the response is not accepted.
    """
    if "ResponseURL" not in event:
        return
    body = {
        "Status": "FAILED" if problem else "SUCCESS",
        "Reason": problem or "",
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # The signature of the URL covers an empty Content-Type.
    headers = {"Content-Type": ""}
    with within(_SECONDS):
        status, _ = StdlibHttp().send(
            "PUT", event["ResponseURL"], headers, json.dumps(body).encode()
        )
    if status >= http.client.BAD_REQUEST:
        raise OSError(f"CloudFormation's URL answered {status}")
