"""The Invoke operation of Lambda's API, with which any function can be run directly.

``aws lambda invoke --endpoint-url`` and tests use it; it is not a route of the template.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

from local.gateway import responses
from local.gateway.events import Request
from local.gateway.log import log
from local.gateway.responses import Response
from local.gateway.workers import Pools, ThrottledError

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class InvokeApi:
    """Answers ``POST /2015-03-31/functions/{name}/invocations``."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._background: set[asyncio.Task[None]] = set()

    async def answer(self, request: Request) -> Response:
        """Return Lambda's response; ``name`` is a logical id or an ARN that ends in one."""
        found = _PATH.fullmatch(request.target)
        if not found or request.method != "POST":
            return _error(404, "UnknownOperationException", "no such operation")
        if request.header("origin"):
            # Any page in the developer's browser can send a POST here; SDKs send no Origin.
            return _error(403, "AccessDeniedException", "requests of browsers are denied")
        name = unquote(found.group(1)).rpartition(":function:")[2].partition(":")[0]
        if name not in self._pools:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        try:
            event = json.loads(request.body or b"{}")
        except ValueError as problem:
            text = f"Could not parse request body into json: {problem}"
            return _error(400, "InvalidRequestContentException", text)
        kind = request.header("x-amz-invocation-type")
        return await self._dispatch(kind, name, event, str(uuid.uuid4()))

    async def _dispatch(self, kind: str, name: str, event: Any, request_id: str) -> Response:
        """Return the response to one event, by the type of invocation."""
        if kind == "DryRun":
            return Response(204, [("x-amzn-requestid", request_id)])
        if kind == "Event":
            task = asyncio.create_task(self._run(name, event, request_id))
            self._background.add(task)
            task.add_done_callback(self._background.discard)
            return Response(202, [("x-amzn-requestid", request_id)])
        try:
            result = await self._pools[name].invoke(event, request_id)
        except ThrottledError:
            return _error(429, "TooManyRequestsException", "Rate Exceeded.")
        headers = [
            ("content-type", "application/json"),
            ("x-amz-executed-version", "$LATEST"),
            ("x-amzn-requestid", request_id),
        ]
        if result.failed:
            headers.append(("x-amz-function-error", "Unhandled"))
        return Response(200, headers, result.payload)

    async def _run(self, name: str, event: Any, request_id: str) -> None:
        """Run an asynchronous invocation; its result appears in the function's log only."""
        try:
            await self._pools[name].invoke(event, request_id)
        except ThrottledError:
            log(f"[{name}] throttled, event {request_id} is dropped")


def _error(status: int, kind: str, text: str) -> Response:
    """Return an error in the format of AWS's JSON protocol."""
    response = responses.message(status, text)
    response.headers.append(("x-amzn-errortype", kind))
    return response
