"""Runs every minute: relays the outbox, renews the signed copies of films in use."""

from typing import Any

from aws_lambda_powertools.logging import Logger

from streaming import clock
from streaming.composition.housekeeping import relay_outbox, renew_copies
from streaming.metrics import measured

logger = Logger(utc=True, serialize_stacktrace=False)

RENEWAL_SECONDS = 25


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Do the chores; return what was done."""
    relayed = relay_outbox()()
    sizes = measured(OutboxMessages=relayed.waiting, OutboxAgeSeconds=relayed.oldest_seconds)
    logger.info("the outbox is relayed", **sizes)
    renewed = renew_copies()(clock.now(), RENEWAL_SECONDS)
    done = {"relayed": relayed.relayed, "waiting": relayed.waiting, "renewed": renewed}
    logger.info("the chores are done", done=done)
    return done
