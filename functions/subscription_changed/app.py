"""Reads the topic of changed subscriptions, so that changes apply before cache entries expire."""

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
    """Delete the subscriptions of the users in the records from the cache; return their number.

    Raises ``CacheUnavailable`` if Redis does not answer: Lambda then retries the same batch.
    """
    return {"forgotten": environment.forget_subscriptions(records_of(event))}
