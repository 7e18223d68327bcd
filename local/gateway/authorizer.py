"""Authorizes requests with Lambda authorizers, and caches their decisions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.gateway import events, responses
from local.gateway.events import Request
from local.gateway.log import log
from local.gateway.model import Authorizer
from local.gateway.responses import Response
from local.gateway.routes import Match
from local.gateway.sources import Fingerprint
from local.gateway.workers import Pools, ThrottledError

# More than the viewers of a load test: AWS forgets no decision before its time.
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True)
class Decision:
    """An authorizer's decision about a caller."""

    allowed: bool
    context: Any


@dataclass(frozen=True)
class _Remembered:
    decision: Decision
    expires: float
    sources: Fingerprint


class Authorizers:
    """All authorizers of the API, with their results cached by identity source."""

    def __init__(self, authorizers: Mapping[str, Authorizer], pools: Pools, region: str) -> None:
        self._authorizers = authorizers
        self._pools = pools
        self._region = region
        self._cache: dict[tuple[str, ...], _Remembered] = {}

    async def admit(self, request: Request, match: Match) -> Decision | Response:
        """Return the decision that allows the request, or the response that denies it."""
        if match.route.authorizer is None:
            return Decision(allowed=True, context=None)
        authorizer = self._authorizers[match.route.authorizer]
        identity = events.identity_source(request, authorizer, match)
        if identity is None:
            return responses.message(401, "Unauthorized")
        decision = await self._decide(authorizer, request, match, identity)
        if decision is None:
            return responses.message(500, "Internal Server Error")
        return decision if decision.allowed else responses.message(403, "Forbidden")

    async def _decide(
        self, authorizer: Authorizer, request: Request, match: Match, identity: tuple[str, ...]
    ) -> Decision | None:
        """Return the cached or a new decision, None if the authorizer failed."""
        pool, key = self._pools[authorizer.function], (authorizer.name, *identity)
        now, sources = time.monotonic(), pool.sources()
        known = self._cache.get(key)
        # AWS keeps a cached decision after a code update. Here it would hide an edit.
        if known and known.expires > now and known.sources == sources:
            return known.decision
        event = events.authorizer_event(request, match, self._region, identity)
        try:
            result = await pool.invoke(event)
        except ThrottledError:
            return None
        decision = None if result.failed else _read(result.payload)
        if decision is None:
            log(f"[{authorizer.function}] no valid authorizer response, the answer is 500")
        elif authorizer.ttl > 0 and identity:
            if len(self._cache) >= _MAX_REMEMBERED:
                self._cache.clear()
            self._cache[key] = _Remembered(decision, now + authorizer.ttl, sources)
        return decision


def _read(payload: bytes) -> Decision | None:
    """Return the decision of a simple response, None if the payload is not one."""
    answer = json.loads(payload)
    if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
        return None
    context = answer.get("context") or {}
    return Decision(answer["isAuthorized"], context) if isinstance(context, dict) else None
