"""Whether a user has paid, asked of the user service and kept in Redis."""

import json
from typing import Any
from uuid import UUID

from shared.clients import redis, user_service
from shared.http import Problem
from shared.settings import settings

# Somebody who has just paid is let in soon.
INACTIVE_TTL = 30


def require(user_id: UUID, authorization: str) -> None:
    """Raise ``Problem`` unless the user has an active subscription."""
    key = f"subscription:{user_id}"
    cached = redis.get(key)
    subscription = json.loads(cached) if cached else _ask(authorization)
    is_active = bool(subscription["is_active"])
    if not cached:
        ttl = settings.redis_subscription_cache_ttl if is_active else INACTIVE_TTL
        redis.set(key, json.dumps(subscription), ex=ttl)
    if not is_active:
        raise Problem(403, "subscription_required", "the user has no active subscription")


def _ask(authorization: str) -> dict[str, Any]:
    response = user_service.get(
        "/api/v1/subscriptions/current", headers={"Authorization": authorization}
    )
    if response.status_code == 404:
        return {"is_active": False}
    if response.status_code != 200:
        raise Problem(503, "entitlement_unavailable", "the user service does not answer")
    answer: dict[str, Any] = response.json()
    return answer
