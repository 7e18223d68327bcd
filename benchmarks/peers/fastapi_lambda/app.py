"""The Lambda handler: a FastAPI application behind Mangum."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from mangum import Mangum
from service import problems
from service.routes import router
from service.settings import settings

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

app = FastAPI(title="Streaming")
app.add_middleware(
    CORSMiddleware,
    allow_origins=[settings.cors_allow_origin],
    allow_methods=["GET", "POST"],
    allow_headers=["authorization", "content-type"],
)
problems.install(app)


@app.middleware("http")
async def add_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Add the headers that browsers need for security, and that forbid caches."""
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


app.include_router(router)

handler = Mangum(app, lifespan="off")
