"""Whether a user has paid, asked of the user service and kept in Redis."""

import json
from uuid import UUID

from service.clients import redis, user_service
from service.problems import Problem
from service.settings import settings

# Somebody who has just paid is let in soon.
INACTIVE_TTL = 30


async def require(user_id: UUID, authorization: str) -> None:
    """Raise ``Problem`` unless the user has an active subscription."""
    key = f"subscription:{user_id}"
    cached = await redis.get(key)
    subscription = json.loads(cached) if cached else await _ask(authorization)
    is_active = bool(subscription["is_active"])
    if not cached:
        ttl = settings.redis_subscription_cache_ttl if is_active else INACTIVE_TTL
        await redis.set(key, json.dumps(subscription), ex=ttl)
    if not is_active:
        raise Problem(403, "subscription_required", "the user has no active subscription")


async def _ask(authorization: str) -> dict[str, object]:
    response = await user_service.get(
        "/api/v1/subscriptions/current", headers={"Authorization": authorization}
    )
    if response.status_code == 404:
        return {"is_active": False}
    if response.status_code != 200:
        raise Problem(503, "entitlement_unavailable", "the user service does not answer")
    answer: dict[str, object] = response.json()
    return answer
