"""Reads the events of what was watched, and adjusts the figures of the reports."""

import os
from typing import Any

from streaming.composition.environment import Environment
from streaming.events.records import records_of
from streaming.observability.logging import service_logger

ENVIRONMENT = Environment(os.environ, preload=["record_viewing"])

logger = service_logger()


@logger.inject_lambda_context(log_event=False)
def handler(
    event: dict[str, Any], context: Any, environment: Environment = ENVIRONMENT
) -> dict[str, int]:
    """Count the events of a batch; return how many, and how many records are dead letters.

    Raises ``DatabaseUnavailable``: Lambda then repeats the batch, which loses and doubles nothing.
    """
    recorded = environment.record_viewing(records_of(event))
    return {"events": recorded.events, "dead_letters": recorded.dead_letters}
