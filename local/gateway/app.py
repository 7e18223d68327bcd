"""The gateway as an ASGI application: reads, dispatches and answers requests."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from local.gateway import cors, events, responses
from local.gateway.authorizer import Authorizers
from local.gateway.events import Request
from local.gateway.invoke import InvokeApi
from local.gateway.kafka_sources import KafkaSources
from local.gateway.log import log
from local.gateway.model import Service
from local.gateway.responses import InvalidResultError, Response
from local.gateway.routes import Match, Router
from local.gateway.schedules import Schedules
from local.gateway.static import PAGES, StaticFiles
from local.gateway.workers import Pools, ThrottledError
from local.hosts import is_this_machine

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 10 * 1024 * 1024


class Gateway:
    """Serves one service.

    Args:
        service: What the template describes.
        root: Folder of the template; its ``web/`` has the player page and the dashboard.
        demo: The file that ``GET /local/demo`` returns; read for each request.
    """

    def __init__(self, service: Service, root: Path, demo: Path) -> None:
        self._service = service
        self._router = Router(service.routes)
        self._pools = Pools(service.functions)
        self._authorizers = Authorizers(service.authorizers, self._pools, service.region)
        self._schedules = Schedules(service.schedules, self._pools, service.region)
        self._kafka_sources = KafkaSources(service.kafka_sources, self._pools)
        self._invoke = InvokeApi(self._pools)
        self._static = StaticFiles(root / "web")
        self._demo = demo
        self._integrations: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def start(self) -> None:
        """Start schedules, event sources and one environment of each function of the API."""
        needed = {route.function: None for route in self._service.routes}
        needed |= {item.function: None for item in self._service.authorizers.values()}
        self._pools.warm(needed)
        self._schedules.start()
        self._kafka_sources.start()

    async def stop(self) -> None:
        """End schedules, event sources and workers."""
        await asyncio.gather(self._schedules.stop(), self._kafka_sources.stop())
        await self._pools.close()

    async def answer(self, request: Request) -> tuple[Response, str]:
        """Return the response and, for the log, the name of the function that produced it."""
        if request.target in PAGES or request.target.startswith("/web/"):
            return self._static.answer(request), "-"
        if request.target.startswith("/2015-03-31/"):
            return await self._invoke.answer(request), "-"
        if request.target == "/local/demo" and request.method in ("GET", "HEAD"):
            return self._demo_document(), "-"
        match = self._router.match(request.method, request.path)
        if match is None:
            response = responses.message(404, "Not Found")
        else:
            response = await self._authorized(request, match)
        if match is None and request.method == "OPTIONS" and self._service.cors:
            response = cors.preflight(self._service.cors, request)
        else:
            cors.apply(self._service.cors, request, response)
        response.headers.append(("apigw-requestid", request.id))
        return response, match.route.function if match else "-"

    async def _authorized(self, request: Request, match: Match) -> Response:
        """Return the response of the route, or of its authorizer if that denies the request."""
        decision = await self._authorizers.admit(request, match)
        if isinstance(decision, Response):
            return decision
        event = events.event(request, match, decision.context)
        invocation = asyncio.create_task(self._pools[match.route.function].invoke(event))
        self._integrations.add(invocation)
        invocation.add_done_callback(self._integrations.discard)
        try:
            # The integration timeout does not end the function, which has its own timeout.
            result = await asyncio.wait_for(asyncio.shield(invocation), match.route.timeout)
        except (TimeoutError, ThrottledError) as problem:
            log(f"[{match.route.function}] {type(problem).__name__}, the answer is 503")
            return responses.message(503, "Service Unavailable")
        if result.failed:
            return responses.message(500, "Internal Server Error")
        try:
            return responses.from_result(result.payload)
        except InvalidResultError as problem:
            log(f"[{match.route.function}] {problem}, the answer is 500")
            return responses.message(500, "Internal Server Error")

    def _demo_document(self) -> Response:
        """Return the demo's films, and the tokens of a viewer and an administrator.

        It has no CORS headers: other origins cannot read it.
        """
        try:
            body = self._demo.read_bytes()
        except OSError:
            return responses.message(404, "Not Found")
        headers = [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ]
        return Response(200, headers, body)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log it in one line."""
        began = time.monotonic()
        body = await _read_body(receive)
        if body is None:
            return
        request = _request(scope, body)
        maker = "-"
        try:
            if not is_this_machine(request.header("host")):
                response = responses.message(421, "Misdirected Request")
            elif len(body) <= MAX_BODY_BYTES:
                response, maker = await self.answer(request)
            else:
                response = responses.message(413, "Request Entity Too Large")
        except asyncio.CancelledError:  # the gateway is shutting down
            response = responses.message(503, "Service Unavailable")
        except Exception:  # noqa: BLE001 - logs a bug of the gateway as the gateway's own
            log("gateway: " + traceback.format_exc())
            response = responses.message(500, "Internal Server Error")
        await _write(request, response, send)
        took = (time.monotonic() - began) * 1000
        log(f"{request.method} {request.target} {response.status} {took:.0f}ms {maker}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start and stop together with the server."""
        while True:
            kind = (await receive())["type"]
            await (self.start() if kind == "lifespan.startup" else self.stop())
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return


def _request(scope: Scope, body: bytes) -> Request:
    """Return the request of an ASGI scope."""
    return Request(
        method=scope["method"],
        target=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]),
        body=body,
        source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
        port=scope["server"][1] if scope.get("server") else 0,
        id=events.new_request_id(),
        received=time.time(),
        protocol=f"HTTP/{scope['http_version']}",
    )


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, truncated just above the limit; None if the client disconnected early."""
    body = bytearray()
    while True:
        part = await receive()
        if part["type"] == "http.disconnect":
            return None
        body += part.get("body", b"")[: MAX_BODY_BYTES + 1 - len(body)]
        if not part.get("more_body", False):
            return bytes(body)


async def _write(request: Request, response: Response, send: Send) -> None:
    """Send a response; the gateway sets its content-length."""
    headers = [(k.encode("latin-1"), v.encode("utf-8")) for k, v in response.headers]
    bodyless = response.status in (204, 304)
    if not bodyless:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    empty = bodyless or request.method == "HEAD"
    await send({"type": "http.response.body", "body": b"" if empty else response.body})
