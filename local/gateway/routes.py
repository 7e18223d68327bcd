"""Selects the route of a request with the priorities of an HTTP API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from local.gateway.model import Route

_STATIC, _VARIABLE, _GREEDY = range(3)


@dataclass(frozen=True)
class Match:
    """The selected route and the values of its path variables."""

    route: Route
    parameters: dict[str, str]


class Router:
    """Matches percent-decoded paths, like API Gateway.

    The most specific match is selected: from left to right a literal segment has precedence over a
    variable, a variable over a greedy variable, then an exact method over ANY. ``$default`` matches
    all other requests.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        listed = list(routes)
        self._default = next((route for route in listed if route.path == "$default"), None)
        explicit = [route for route in listed if route.path != "$default"]
        self._routes = sorted(explicit, key=_rank)

    def match(self, method: str, path: str) -> Match | None:
        """Return the route for a request, None if there is none."""
        segments = path.split("/")
        for route in self._routes:
            if route.method in ("ANY", method):
                parameters = _bind(route.path.split("/"), segments)
                if parameters is not None:
                    return Match(route, parameters)
        return Match(self._default, {}) if self._default else None


def _rank(route: Route) -> tuple[list[int], bool]:
    """Return the sort key of a route: more specific ones first."""
    return [_kind(segment) for segment in route.path.split("/")], route.method == "ANY"


def _kind(segment: str) -> int:
    """Return the specificity of one segment of a route's path, lower is more specific."""
    if not (segment.startswith("{") and segment.endswith("}")):
        return _STATIC
    return _GREEDY if segment.endswith("+}") else _VARIABLE


def _bind(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    """Return the path variables, None if the path does not match the pattern."""
    parameters: dict[str, str] = {}
    for index, expected in enumerate(pattern):
        kind = _kind(expected)
        if kind == _GREEDY:
            rest = "/".join(segments[index:])
            return {**parameters, expected[1:-2]: rest} if rest else None
        if index >= len(segments):
            return None
        if kind == _STATIC and segments[index] != expected:
            return None
        if kind == _VARIABLE:
            if not segments[index]:
                return None
            parameters[expected[1:-1]] = segments[index]
    return parameters if len(segments) == len(pattern) else None
