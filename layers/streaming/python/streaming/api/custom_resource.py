"""Responds to CloudFormation, which waits for the result of a custom resource."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

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
    url = urlsplit(event["ResponseURL"])
    is_tls = url.scheme == "https"
    connect = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    connection = connect(url.netloc, timeout=_SECONDS)
    try:
        # The signature of the URL covers an empty Content-Type.
        target = f"{url.path}?{url.query}"
        connection.request("PUT", target, json.dumps(body), {"Content-Type": ""})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status >= http.client.BAD_REQUEST:
        raise OSError(f"CloudFormation's URL answered {status}")
