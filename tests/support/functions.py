"""Calls the real handlers in this process with real events."""

import base64
import gzip
import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import boto3
import botocore.session
from botocore.loaders import Loader

from streaming.composition.environment import Environment
from streaming.resilience import http_client
from tests.support.connections import close_connections
from tests.support.context import Context
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"

Json = dict[str, Any]


@dataclass(frozen=True)
class Response:
    """The response of a request function; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def event(name: str) -> Json:
    """Return the committed event of that name."""
    loaded: Json = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return loaded


def invoke(function: str, payload: Json) -> Any:
    """Call ``functions/{function}/app.py`` with ``payload``; return what it returns."""
    return load(function)(payload, Context(), current_environment())


def request(function: str, payload: Json) -> Response:
    """Call a request function and read its response as API Gateway does."""
    return response_of(invoke(function, payload))


def patient_request(function: str, payload: Json) -> Response:
    """Call a request function as a player does, which repeats calls that got 503.

    On a busy machine a first start may exceed its time budget.
    """

    def answered() -> Response | None:
        response = request(function, payload)
        return None if response.status == 503 else response

    return eventually(answered)


def response_of(answer: Json) -> Response:
    """Read a request function's return value as API Gateway does."""
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    body = answer["body"]
    if answer["isBase64Encoded"]:
        data = base64.b64decode(body)
        is_compressed = headers.get("content-encoding") == "gzip"
        body = (gzip.decompress(data) if is_compressed else data).decode()
    return Response(answer["statusCode"], headers, body)


def forget_environment() -> None:
    """Begin a new execution environment without clients, connections or cached objects."""
    _OF_PROCESS.restart()
    _forget_authorities(os.environ.get("SSL_CERT_FILE"))
    # boto3 caches the credentials that it found first.
    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    boto3.setup_default_session(botocore_session=session)


@lru_cache(maxsize=1)
def _forget_authorities(of_file: str | None) -> None:
    """Load the authorities again if they are of another file than before."""
    http_client.tls_context.cache_clear()


@cache
def _loader() -> Loader:
    """Return the reader of botocore's descriptions of services, of which it keeps every one."""
    return botocore.session.get_session().get_component("data_loader")


@dataclass(frozen=True)
class Viewer:
    """A user who calls the API. The user service identifies the user by ``token``.

    ``send`` calls a function with an event; by default in this process.
    """

    user_id: UUID
    token: str
    send: Callable[[str, Json], Response] = request

    def start(
        self, movie_id: object, body: Json | None = None, *, key: str | None = None, **context: Any
    ) -> Response:
        """Start a film, with ``key`` as the Idempotency-Key."""
        payload = self.event("start_without_body", movie_id, body, **context)
        if key is not None:
            payload["headers"]["Idempotency-Key"] = key
        return self.send("start", payload)

    def report(self, movie_id: object, position_seconds: int, **fields: Any) -> Response:
        """Report a position."""
        body = {"position_seconds": position_seconds, **fields}
        return self.send("progress", self.event("progress", movie_id, body))

    def stop(self, movie_id: object, position_seconds: int, **fields: Any) -> Response:
        """Stop a film."""
        body = {"position_seconds": position_seconds, **fields}
        return self.send("stop", self.event("stop", movie_id, body))

    def progress(self, movie_id: object) -> Response:
        """Look up the position in a film."""
        return self.send("get", self.event("get_progress", movie_id, None))

    def remove(self, movie_id: object) -> Response:
        """Remove a film from continue watching."""
        return self.send("get", self.event("get_remove", movie_id, None))

    def continue_watching(self, limit: int = 10) -> Response:
        """List the films of continue watching."""
        payload = self.event("get_continue_watching", None, None)
        payload["queryStringParameters"] = {"limit": str(limit)}
        return self.send("get", payload)

    def event(self, name: str, movie_id: object, body: Json | None, **context: Any) -> Json:
        """Return the committed event of that name, sent by this user.

        ``context`` replaces values of ``requestContext.http``.
        """
        payload = event(name)
        payload["headers"]["authorization"] = f"Bearer {self.token}"
        payload["requestContext"]["authorizer"]["lambda"]["user_id"] = str(self.user_id)
        payload["requestContext"]["http"].update(context)
        if movie_id is not None:
            payload["pathParameters"] = {"movie_id": str(movie_id)}
        if body is not None:
            payload["body"] = json.dumps(body)
        return payload


def new_viewer(sign: Callable[[str], str]) -> Viewer:
    """Return a new user; ``sign`` creates the token of a user."""
    user_id = uuid4()
    return Viewer(user_id, sign(str(user_id)))


class ExecutionEnvironment:
    """A separate execution environment in this process, with its own connections.

    As a context manager, it processes the calls of this thread.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._variables = variables
        self.parts = Environment(variables)

    def __enter__(self) -> Self:
        self._token = _entered.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _entered.reset(self._token)

    def restart(self) -> None:
        """Close the open connections and begin a new environment."""
        self.close()
        self.parts = Environment(self._variables)

    def close(self) -> None:
        """Close the open connections."""
        close_connections([self.parts])


_OF_PROCESS = ExecutionEnvironment()
_entered: ContextVar[ExecutionEnvironment | None] = ContextVar("entered", default=None)


def current_environment() -> Environment:
    """Return the environment that calls are processed in."""
    return (_entered.get() or _OF_PROCESS).parts


@cache
def load(function: str) -> Callable[[Json, Context, Environment], Any]:
    """Return the handler of ``functions/{function}/app.py``."""
    path = ROOT / "functions" / function / "app.py"
    specification = importlib.util.spec_from_file_location(f"function_{function}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    handler: Callable[[Json, Context, Environment], Any] = module.handler
    return handler
