"""Errors as problem details (RFC 9457)."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse


class Problem(Exception):
    """An error response."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def install(app: FastAPI) -> None:
    """Convert the errors of ``app`` to responses."""

    @app.exception_handler(Problem)
    async def of_service(_: Request, error: Problem) -> JSONResponse:
        return _response(error.status, error.code, error.detail)

    @app.exception_handler(RequestValidationError)
    async def of_request(_: Request, error: RequestValidationError) -> JSONResponse:
        return _response(422, "invalid_request", str(error.errors()))


def _response(status: int, code: str, detail: str) -> JSONResponse:
    members = {
        "type": f"urn:streaming:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "code": code,
    }
    return JSONResponse(members, status, media_type="application/problem+json")
