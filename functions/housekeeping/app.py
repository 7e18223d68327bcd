"""Runs every minute: ends abandoned sessions, relays the outbox, renews copies, looks for films."""

from typing import Any

from streaming.composition.housekeeping import (
    check_films,
    end_abandoned_sessions,
    expire_idempotency_keys,
    forget_personal_data,
    relay_outbox,
    renew_copies,
)
from streaming.domain import clock
from streaming.observability.logging import service_logger
from streaming.observability.metrics import emit
from streaming.usecases.housekeeping import schedule as chores

logger = service_logger()

MARGIN_SECONDS = 5


@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Do the chores and return what was done. Raises ``ChoresFailed``, when all were tried."""
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    work = {
        "abandoned": _abandoned,
        "outbox": _outbox,
        "copies": _copies,
        "films": _films,
        "idempotency keys": _idempotency_keys,
        "personal data": _personal_data,
    }
    return chores.run(work, seconds)


def _abandoned(seconds: float) -> dict[str, int]:
    return {"abandoned": end_abandoned_sessions()(clock.now(), seconds)}


def _outbox(seconds: float) -> dict[str, int]:
    relayed = relay_outbox()(seconds)
    left = relayed.left
    emit(
        OutboxMessages=left.messages,
        OutboxAgeSeconds=left.oldest_seconds,
        OutboxDeadLetters=left.dead_letters,
    )
    logger.info("the outbox is relayed", relayed=relayed.relayed, waiting=left.messages)
    return {"relayed": relayed.relayed, "waiting": left.messages}


def _copies(seconds: float) -> dict[str, int]:
    return {"renewed": renew_copies()(clock.now(), seconds)}


def _films(seconds: float) -> dict[str, int]:
    return {"films checked": check_films()(clock.now(), seconds)}


def _idempotency_keys(seconds: float) -> dict[str, int]:
    return {"expired": expire_idempotency_keys()(clock.now(), seconds)}


def _personal_data(seconds: float) -> dict[str, int]:
    return {"forgotten": forget_personal_data()(clock.now(), seconds)}
