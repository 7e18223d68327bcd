"""Reads the HTTP API (routes, authorizers, CORS) and the schedules from template.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from local.gateway import properties
from local.gateway.intrinsics import Resolver, TemplateError, UnresolvedError
from local.gateway.model import Authorizer, Cors, Function, Route, Schedule, Service

_METHODS = {"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
_RATE = re.compile(r"rate\(\s*([1-9]\d*)\s+(minute|hour|day)s?\s*\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_DEFAULT_TTL = 300
_MAX_INTEGRATION_SECONDS = 30.0


def describe(
    region: str,
    functions: Mapping[str, Function],
    events: Mapping[str, Mapping[str, Any]],
    apis: Mapping[str, Mapping[str, Any]],
    resolver: Resolver,
) -> Service:
    """Return the service, given its functions and the raw events and APIs of the template.

    Raises `TemplateError` for anything that the gateway does not support.
    """
    if len(apis) > 1:
        raise TemplateError(f"{', '.join(apis)}: the local gateway serves one API")
    name, raw = next(iter(apis.items()), ("", {}))
    properties.check(name, raw, properties.API, properties.API_IGNORED)
    if _value(f"{name}.StageName", raw.get("StageName", "$default"), resolver) != "$default":
        raise TemplateError(f"{name}.StageName: the local gateway serves the $default stage")
    auth = properties.check(f"{name}.Auth", raw.get("Auth", {}), properties.API_AUTH)
    authorizers = {
        key: _authorizer(f"{name}.Auth.Authorizers.{key}", key, item, functions, resolver)
        for key, item in auth.get("Authorizers", {}).items()
    }
    default = auth.get("DefaultAuthorizer")
    if default is not None and default not in authorizers:
        raise TemplateError(f"{name}.Auth.DefaultAuthorizer: {default} is not defined")
    routes, schedules = [], []
    for function, listed in events.items():
        for key, event in listed.items():
            where = f"{function}.Events.{key}"
            kind, given = event.get("Type"), event.get("Properties", {})
            if kind == "HttpApi":
                routes.append(_route(where, function, given, name, default, authorizers, resolver))
            elif kind in ("Schedule", "ScheduleV2"):
                schedule = _schedule(where, function + key, function, kind, given, resolver)
                schedules.extend([schedule] if schedule else [])
            else:
                raise TemplateError(f"{where}: the local gateway does not support type {kind}")
    duplicates = {route.key for route in routes if [r.key for r in routes].count(route.key) > 1}
    if duplicates:
        raise TemplateError(f"{name}: route {min(duplicates)} is defined twice")
    cors = _cors(f"{name}.CorsConfiguration", raw.get("CorsConfiguration"), resolver)
    return Service(region, functions, tuple(routes), authorizers, cors, tuple(schedules))


def _value(where: str, value: Any, resolver: Resolver) -> Any:
    """Return a property's value with its intrinsic functions evaluated."""
    try:
        return resolver.resolve(value)
    except UnresolvedError as problem:
        raise TemplateError(f"{where}: {problem} has no value on this machine") from None


def _authorizer(
    where: str, name: str, raw: Any, functions: Mapping[str, Function], resolver: Resolver
) -> Authorizer:
    """Return one Lambda authorizer with simple responses, the only supported kind."""
    properties.check(where, raw, properties.AUTHORIZER, properties.AUTHORIZER_IGNORED)
    arn = _value(f"{where}.FunctionArn", raw.get("FunctionArn"), resolver)
    # The ARN of an alias has a suffix; every alias is $LATEST here.
    function = next(
        (item.name for item in functions.values() if f"{arn}:".startswith(f"{item.arn}:")), None
    )
    if function is None:
        raise TemplateError(f"{where}.FunctionArn: {arn} is not a function of this template")
    if str(raw.get("AuthorizerPayloadFormatVersion", "2.0")) != "2.0":
        raise TemplateError(f"{where}.AuthorizerPayloadFormatVersion: only 2.0 is supported")
    if _value(where, raw.get("EnableSimpleResponses"), resolver) is not True:
        raise TemplateError(f"{where}.EnableSimpleResponses: only true is supported")
    identity = properties.check(
        f"{where}.Identity", _value(where, raw.get("Identity", {}), resolver), properties.IDENTITY
    )
    context = identity.get("Context", [])
    if context not in ([], ["routeKey"]):
        raise TemplateError(f"{where}.Identity.Context: only routeKey is supported")
    headers = tuple(header.lower() for header in identity.get("Headers", []))
    queries = tuple(identity.get("QueryStrings", []))
    ttl = int(identity.get("ReauthorizeEvery", _DEFAULT_TTL if headers or queries else 0))
    return Authorizer(name, function, headers, queries, ttl, bool(context))


def _route(
    where: str,
    function: str,
    raw: Any,
    api: str,
    default: str | None,
    authorizers: Mapping[str, Authorizer],
    resolver: Resolver,
) -> Route:
    """Return one route."""
    properties.check(where, raw, properties.HTTP_EVENT)
    if raw.get("ApiId") != {"Ref": api}:
        raise TemplateError(f"{where}.ApiId: must be !Ref of the template's one HttpApi")
    if str(_value(where, raw.get("PayloadFormatVersion", "2.0"), resolver)) != "2.0":
        raise TemplateError(f"{where}.PayloadFormatVersion: only 2.0 is supported")
    method = str(_value(f"{where}.Method", raw.get("Method"), resolver)).upper()
    path = str(_value(f"{where}.Path", raw.get("Path"), resolver))
    if path == "$default":
        method = "ANY"
    elif not path.startswith("/") or method not in _METHODS:
        raise TemplateError(f"{where}: {method} {path} is not a route")
    auth = properties.check(f"{where}.Auth", raw.get("Auth", {}), properties.HTTP_EVENT_AUTH)
    authorizer = auth.get("Authorizer", default)
    if authorizer == "NONE":
        authorizer = None
    if authorizer is not None and authorizer not in authorizers:
        raise TemplateError(f"{where}.Auth.Authorizer: {authorizer} is not defined")
    milliseconds = _value(where, raw.get("TimeoutInMillis", 30_000), resolver)
    timeout = min(float(milliseconds) / 1000, _MAX_INTEGRATION_SECONDS)
    return Route(method, path, function, authorizer, timeout)


def _cors(where: str, raw: Any, resolver: Resolver) -> Cors | None:
    """Return the CORS configuration; ``true`` is SAM's short form for any origin."""
    given = _value(where, raw, resolver)
    if given is None or given is False:
        return None
    if given is True:
        return Cors(origins=("*",))
    properties.check(where, given, properties.CORS)
    age = given.get("MaxAge")
    return Cors(
        origins=tuple(given.get("AllowOrigins", ())),
        methods=tuple(str(method).upper() for method in given.get("AllowMethods", ())),
        headers=tuple(given.get("AllowHeaders", ())),
        expose=tuple(given.get("ExposeHeaders", ())),
        max_age=None if age is None else int(age),
        credentials=given.get("AllowCredentials") is True,
    )


def _schedule(
    where: str, name: str, function: str, kind: str, raw: Any, resolver: Resolver
) -> Schedule | None:
    """Return one schedule, or None if the template disables it."""
    properties.check(where, raw, properties.SCHEDULE, properties.SCHEDULE_IGNORED)
    state = _value(f"{where}.State", raw.get("State", "ENABLED"), resolver)
    if state == "DISABLED" or _value(where, raw.get("Enabled", True), resolver) is False:
        return None
    field = "ScheduleExpression" if kind == "ScheduleV2" else "Schedule"
    expression = str(_value(f"{where}.{field}", raw.get(field), resolver))
    rate = _RATE.fullmatch(expression.strip())
    if rate is None:
        raise TemplateError(f"{where}.{field}: only rate(...) is supported, not {expression}")
    given = _value(f"{where}.Input", raw.get("Input"), resolver)
    try:
        event = None if given is None else json.loads(given)
    except (TypeError, ValueError):
        raise TemplateError(f"{where}.Input: is not JSON") from None
    period = float(int(rate.group(1)) * _SECONDS[rate.group(2)])
    return Schedule(raw.get("Name", name), function, period, kind == "ScheduleV2", event)
