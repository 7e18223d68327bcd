"""Runs every minute: ends abandoned sessions, relays the outbox, renews copies, checks films."""

import os
from typing import Any

from streaming.composition.environment import Environment
from streaming.domain import clock
from streaming.observability.logging import service_logger
from streaming.observability.metrics import emit
from streaming.usecases.housekeeping import schedule as chores

ENVIRONMENT = Environment(
    os.environ,
    preload=[
        "end_abandoned_sessions",
        "relay_outbox",
        "renew_copies",
        "check_films",
        "expire_idempotency_keys",
        "forget_personal_data",
        "forget_viewing",
    ],
)
MARGIN_SECONDS = 5

logger = service_logger()


@logger.inject_lambda_context(log_event=False)
def handler(
    event: dict[str, Any], context: Any, environment: Environment = ENVIRONMENT
) -> dict[str, int]:
    """Run all chores and return their counts. Raises ``ChoresFailed`` after all if any failed."""
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    work: dict[str, chores.Chore] = {
        "abandoned": lambda seconds: {
            "abandoned": environment.end_abandoned_sessions(clock.now(), seconds)
        },
        "outbox": lambda seconds: _relay(environment, seconds),
        "copies": lambda seconds: {"renewed": environment.renew_copies(clock.now(), seconds)},
        "films": lambda seconds: {"films checked": environment.check_films(clock.now(), seconds)},
        "idempotency keys": lambda seconds: {
            "expired": environment.expire_idempotency_keys(clock.now(), seconds)
        },
        "personal data": lambda seconds: {
            "forgotten": environment.forget_personal_data(clock.now(), seconds)
        },
        "viewing": lambda seconds: {
            "dead letters forgotten": environment.forget_viewing(clock.now(), seconds)
        },
    }
    return chores.run(work, seconds)


def _relay(environment: Environment, seconds: float) -> dict[str, int]:
    relayed = environment.relay_outbox(seconds)
    left = relayed.left
    emit(
        OutboxMessages=left.messages,
        OutboxAgeSeconds=left.oldest_seconds,
        OutboxDeadLetters=left.dead_letters,
    )
    logger.info(
        "the outbox is relayed", relayed=relayed.relayed, dead=relayed.dead, waiting=left.messages
    )
    return {"relayed": relayed.relayed, "waiting": left.messages}
