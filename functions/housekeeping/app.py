"""Runs every minute: relays the outbox to Kafka."""

from typing import Any

from aws_lambda_powertools.logging import Logger

from streaming.composition.housekeeping import relay_outbox

logger = Logger(utc=True, serialize_stacktrace=False)


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Relay what waits in the outbox; return how many events went and how many still wait."""
    relayed = relay_outbox()()
    logger.info("the outbox was relayed", relayed=relayed.relayed, waiting=relayed.waiting)
    return {"relayed": relayed.relayed, "waiting": relayed.waiting}
