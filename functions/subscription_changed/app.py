"""Reads the topic of changed subscriptions, so that a change is seen before the cache runs out."""

import os
from typing import Any

from streaming.composition.environment import Environment
from streaming.events.records import records_of
from streaming.observability.logging import service_logger

ENVIRONMENT = Environment(os.environ, preload=["forget_subscriptions"])

logger = service_logger()


@logger.inject_lambda_context(log_event=False)
def handler(
    event: dict[str, Any], context: Any, environment: Environment = ENVIRONMENT
) -> dict[str, int]:
    """Forget the subscriptions that the records name; return how many.

    Raises ``CacheUnavailable`` when Redis does not answer: Lambda then brings the same batch again.
    """
    return {"forgotten": environment.forget_subscriptions(records_of(event))}
