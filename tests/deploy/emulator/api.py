"""Calls a deployed HTTP API: its routes, its authorizer, the aliases of its functions."""

import json
import time
from typing import Any

from local.gateway.events import Request, authorizer_event, event, new_request_id
from local.gateway.model import Route
from local.gateway.routes import Router
from tests.deploy.emulator.aws import REGION, EmulatedAws
from tests.deploy.emulator.functions import Json
from tests.support.functions import Response, response_of


class Api:
    """The API that the stack of that name has created."""

    def __init__(self, aws: EmulatedAws, stack_name: str) -> None:
        self._aws = aws
        stack = aws.cloudformation.stacks[stack_name]
        self._document: Json = stack.resources["Api"].properties["Body"]
        self._routes = Router(
            self._route(method, path, operation)
            for path, operations in self._document["paths"].items()
            for method, operation in operations.items()
        )

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Json | None = None,
        *,
        age_seconds: float = 0,
    ) -> Response:
        """Send a request as a client, received ``age_seconds`` ago, and return the response."""
        target, _, query = path.partition("?")
        headers = [("content-type", "application/json"), ("host", "api.example.com")]
        if token is not None:
            headers.append(("authorization", f"Bearer {token}"))
        request = Request(
            method,
            target,
            query,
            tuple(headers),
            b"" if body is None else json.dumps(body).encode(),
            "203.0.113.7",
            443,
            new_request_id(),
            time.time() - age_seconds,
        )
        match = self._routes.match(method, target)
        assert match is not None, f"no route for {method} {target}"
        context: Any = None
        if match.route.authorizer is not None:
            if token is None:
                return Response(401, {}, '{"message":"Unauthorized"}')
            asked = authorizer_event(request, match, REGION, [f"Bearer {token}"])
            answer = self._invoke(match.route.authorizer, asked)
            if not answer["isAuthorized"]:
                return Response(403, {}, '{"message":"Forbidden"}')
            context = answer["context"]
        return response_of(self._invoke(match.route.function, event(request, match, context)))

    def _invoke(self, function: str, payload: Json) -> Json:
        answer = self._aws.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(payload).encode()
        )
        result: Json = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def _route(self, method: str, path: str, operation: Json) -> Route:
        function = _function(operation["x-amazon-apigateway-integration"]["uri"])
        schemes = [name for each in operation.get("security", []) for name in each]
        authorizers = [self._authorizer(name) for name in schemes if name != "NONE"]
        return Route(
            "ANY" if "any" in method else method.upper(),
            path,
            function,
            next(iter(authorizers), None),
        )

    def _authorizer(self, name: str) -> str:
        scheme = self._document["components"]["securitySchemes"][name]
        return _function(scheme["x-amazon-apigateway-authorizer"]["authorizerUri"])


def _function(uri: str) -> str:
    return uri.partition("/functions/")[2].removesuffix("/invocations")
