"""The schemas of requests and responses, generated from their models."""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from streaming.api import problem_models
from streaming.api import response_models as responses
from streaming.api.request_models import PositionRequest, StartRequest
from tools.openapi import reports
from tools.openapi.references import ADDRESS


def schemas() -> dict[str, Any]:
    """Return the schemas of all models, by name."""
    requests = [(model, "validation") for model in (StartRequest, PositionRequest)]
    _, definitions = models_json_schema(requests, ref_template=ADDRESS)  # type: ignore[arg-type]
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
            *reports.MODELS,
            problem_models.GatewayMessage,
            problem_models.Problem,
            problem_models.StreamLimitProblem,
        )
    ]
    mapping, shared = TypeAdapter.json_schemas(replies, ref_template=ADDRESS)
    own = {name: schema for (name, _), schema in mapping.items() if "$ref" not in schema}
    return dict(sorted({**definitions["$defs"], **shared.get("$defs", {}), **own}.items()))
