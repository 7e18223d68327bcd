"""The description of an operation: its parameters, its request and its responses."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from streaming.api import problem_models
from streaming.domain import errors
from tools.openapi.references import reference

# API Gateway itself answers a request without a token or without a route.
_GATEWAY_STATUSES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
_FROM_THE_GATEWAY = {"application/json": {"schema": reference(problem_models.GatewayMessage)}}

# The problems with additional members, by status.
_PROBLEMS = defaultdict[int, type](
    lambda: problem_models.Problem,
    {HTTPStatus.TOO_MANY_REQUESTS: problem_models.StreamLimitProblem},
)


def operation(
    operation_id: str,
    tag: str,
    summary: str,
    description: str,
    *,
    answer: type | None = None,
    body: type[BaseModel] | None = None,
    body_is_optional: bool = False,
    of_film: bool = False,
    parameters: list[dict[str, Any]] | None = None,
    problems: tuple[type[errors.StreamingError], ...] = (),
    needs_token: bool = True,
) -> dict[str, Any]:
    """Return the description of an operation.

    ``answer`` is the model of the response, ``body`` that of the request; ``problems`` are the
    errors that callers can get.
    """
    movie_id = {
        "name": "movie_id",
        "in": "path",
        "required": True,
        "description": "The film.",
        "schema": {"type": "string", "format": "uuid"},
    }
    described: dict[str, Any] = {
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "security": [{"token": []}] if needs_token else [],
        "parameters": [*([movie_id] if of_film else []), *(parameters or [])],
        "responses": {
            **_success(answer),
            **_problem_responses(problems),
        },
    }
    if body is not None:
        described["requestBody"] = {
            "required": not body_is_optional,
            "content": {"application/json": {"schema": reference(body)}},
        }
    return described


def _success(answer: type | None) -> dict[str, Any]:
    if answer is None:
        return {"204": {"description": "The request succeeded; the response has no body."}}
    content = {"application/json": {"schema": reference(answer)}}
    return {"200": {"description": _first_line(answer), "content": content}}


def _problem_responses(problems: tuple[type[errors.StreamingError], ...]) -> dict[str, Any]:
    by_status: dict[int, list[type[errors.StreamingError]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        str(status): {
            "description": "; ".join(f"`{each.code}`: {_first_line(each)}" for each in group),
            **_problem_headers(group),
            "content": {
                "application/problem+json": {"schema": reference(_PROBLEMS[status])},
                **(_FROM_THE_GATEWAY if status in _GATEWAY_STATUSES else {}),
            },
        }
        for status, group in sorted(by_status.items())
    }


def _problem_headers(group: list[type[errors.StreamingError]]) -> dict[str, Any]:
    names = {name for each in group for name in each.headers}
    if any(each.retry_after_seconds is not None for each in group):
        names.add("Retry-After")
    headers = {name: {"schema": {"type": "string"}} for name in sorted(names)}
    return {"headers": headers} if headers else {}


def _first_line(documented: type) -> str:
    return (documented.__doc__ or "").strip().splitlines()[0]
