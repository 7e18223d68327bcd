"""Writes the OpenAPI document, generated from the models of requests and responses.

``python -m tools.openapi FILE``; a test fails if the committed file differs.
"""

import json
import sys
from collections import defaultdict
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from streaming.api import problem_models
from streaming.api import response_models as responses
from streaming.api.request_models import PositionRequest, StartRequest
from streaming.domain import errors
from tools import openapi_reports

VERSION = "1.0.0"
SCHEMAS = "#/components/schemas/{model}"

AUTHENTICATED = (errors.TokenMissing, errors.TokenInvalid, errors.TokenExpired)
BODY = (errors.InvalidJson, errors.BodyTooLarge)
RECORD = (errors.DatabaseUnavailable,)


# API Gateway itself answers a request without a token or without a route.
_GATEWAY_STATUSES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
_FROM_THE_GATEWAY = {
    "application/json": {"schema": {"$ref": SCHEMAS.format(model="GatewayMessage")}}
}


# The problems with additional members, by status.
_PROBLEMS = defaultdict[int, type](
    lambda: problem_models.Problem,
    {HTTPStatus.TOO_MANY_REQUESTS: problem_models.StreamLimitProblem},
)


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Streaming Service",
            "version": VERSION,
            "description": "A playback gateway for video on demand from a private S3 bucket.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Playback", "description": "Start a film, report the position, stop."},
            {"name": "Watching", "description": "Saved positions."},
            {"name": "Analytics", "description": "What was watched, for administrators."},
            {"name": "Service", "description": "About the service itself."},
        ],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _paths() -> dict[str, Any]:
    film = "/api/v1/stream/{movie_id}"
    return {
        film: {
            "post": _operation(
                "startStream",
                "Playback",
                "Start a film",
                "Checks the subscription, makes the film playable and opens a session.",
                answer=responses.Started,
                body=StartRequest,
                body_is_optional=True,
                of_film=True,
                parameters=[
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "Makes it safe to repeat a start whose response was lost: "
                        "for a day, the same key with the same request returns the same session. "
                        "If the session has ended, or has not reported for a minute while streams "
                        "are limited, the response is `session_ended`: start again with a new key.",
                        "schema": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 255,
                            "pattern": "^[!-~]+$",
                        },
                    }
                ],
                problems=(
                    *AUTHENTICATED,
                    *BODY,
                    errors.InvalidRequest,
                    errors.IdempotencyKeyReused,
                    errors.RequestInProgress,
                    errors.SessionEnded,
                    errors.SubscriptionRequired,
                    errors.StreamLimitReached,
                    errors.MovieNotFound,
                    errors.FilmUnplayable,
                    errors.EntitlementUnavailable,
                    errors.StorageMisconfigured,
                    errors.StorageUnavailable,
                    *RECORD,
                ),
            )
        },
        f"{film}/progress": {
            "post": _operation(
                "reportProgress",
                "Playback",
                "Report the position",
                "Saves the player's position. Send it every ten seconds.",
                answer=responses.ProgressSaved,
                body=PositionRequest,
                of_film=True,
                problems=(
                    *AUTHENTICATED,
                    *BODY,
                    errors.InvalidRequest,
                    errors.SessionNotFound,
                    errors.MovieNotFound,
                    *RECORD,
                ),
            ),
            "get": _operation(
                "findProgress",
                "Watching",
                "Look up the position",
                "Returns the viewer's last position in the film.",
                answer=responses.WatchProgress,
                of_film=True,
                problems=(
                    *AUTHENTICATED,
                    errors.InvalidRequest,
                    errors.ProgressNotFound,
                    *RECORD,
                ),
            ),
            "delete": _operation(
                "removeProgress",
                "Watching",
                "Remove a film from the films to continue",
                "Removes the position, but keeps the record that the film was watched. The next "
                "report adds the film again.",
                of_film=True,
                problems=(*AUTHENTICATED, errors.InvalidRequest, *RECORD),
            ),
        },
        f"{film}/stop": {
            "post": _operation(
                "stopStream",
                "Playback",
                "Stop a film",
                "Saves the final position and ends the session.",
                answer=responses.Stopped,
                body=PositionRequest,
                of_film=True,
                problems=(
                    *AUTHENTICATED,
                    *BODY,
                    errors.InvalidRequest,
                    errors.SessionNotFound,
                    errors.MovieNotFound,
                    *RECORD,
                ),
            )
        },
        f"{film}/invalidate": {
            "post": _operation(
                "invalidateFilm",
                "Service",
                "Apply the replacement of a film",
                "Publishes the film's signed copies again. Requires the claim `role: admin`.",
                answer=responses.Invalidated,
                of_film=True,
                problems=(
                    *AUTHENTICATED,
                    errors.Forbidden,
                    errors.InvalidRequest,
                    errors.MovieNotFound,
                    errors.FilmUnplayable,
                    errors.StorageMisconfigured,
                    errors.StorageUnavailable,
                ),
            )
        },
        "/api/v1/stream/progress": {
            "get": _operation(
                "continueWatching",
                "Watching",
                "List the films to continue",
                "Returns the films that were started and never completed, newest first.",
                answer=responses.ContinueWatching,
                parameters=[
                    {
                        "name": "limit",
                        "in": "query",
                        "description": "The maximum number of films.",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                    }
                ],
                problems=(*AUTHENTICATED, errors.InvalidRequest, *RECORD),
            )
        },
        "/api/v1/users/{user_id}/data": {
            "delete": _operation(
                "eraseUser",
                "Service",
                "Erase a user's data",
                "Deletes the user's positions, sessions and unsent events, all of them or none. "
                "Events already in Kafka stay there. Requires the claim `role: admin`.",
                answer=responses.Erased,
                parameters=[
                    {
                        "name": "user_id",
                        "in": "path",
                        "required": True,
                        "description": "The user.",
                        "schema": {"type": "string", "format": "uuid"},
                    }
                ],
                problems=(
                    *AUTHENTICATED,
                    errors.Forbidden,
                    errors.InvalidRequest,
                    errors.CacheUnavailable,
                    *RECORD,
                ),
            )
        },
        **openapi_reports.paths(_operation),
        "/health": {
            "get": _operation(
                "health",
                "Service",
                "Check that the service is running",
                "Checks no dependency.",
                answer=responses.Health,
                needs_token=False,
            )
        },
    }


def _operation(
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
    movie_id = {
        "name": "movie_id",
        "in": "path",
        "required": True,
        "description": "The film.",
        "schema": {"type": "string", "format": "uuid"},
    }
    operation: dict[str, Any] = {
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
        operation["requestBody"] = {
            "required": not body_is_optional,
            "content": {"application/json": {"schema": _reference(body)}},
        }
    return operation


def _success(answer: type | None) -> dict[str, Any]:
    if answer is None:
        return {"204": {"description": "The request succeeded; the response has no body."}}
    content = {"application/json": {"schema": _reference(answer)}}
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
                "application/problem+json": {"schema": _reference(_PROBLEMS[status])},
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


def _schemas() -> dict[str, Any]:
    requests = [(model, "validation") for model in (StartRequest, PositionRequest)]
    _, definitions = models_json_schema(requests, ref_template=SCHEMAS)  # type: ignore[arg-type]
    replies: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (model.__name__, "serialization", TypeAdapter(model))
        for model in (
            responses.Started,
            responses.ProgressSaved,
            responses.WatchProgress,
            responses.ContinueWatching,
            responses.Stopped,
            responses.Invalidated,
            responses.Erased,
            responses.Health,
            *openapi_reports.MODELS,
            problem_models.GatewayMessage,
            problem_models.Problem,
            problem_models.StreamLimitProblem,
        )
    ]
    mapping, shared = TypeAdapter.json_schemas(replies, ref_template=SCHEMAS)
    own = {name: schema for (name, _), schema in mapping.items() if "$ref" not in schema}
    return dict(sorted({**definitions["$defs"], **shared.get("$defs", {}), **own}.items()))


def _reference(model: type) -> dict[str, str]:
    return {"$ref": SCHEMAS.format(model=model.__name__)}


def _first_line(documented: type) -> str:
    return (documented.__doc__ or "").strip().splitlines()[0]


def main() -> None:
    """Write the document to the file given on the command line."""
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    Path(sys.argv[1]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
