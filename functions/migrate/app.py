"""Applies migrations/ while a deployment goes on, before the new code takes traffic."""

import os
from typing import Any

from streaming.api.custom_resource import answer
from streaming.composition.environment import Environment
from streaming.observability.logging import service_logger
from streaming.repository.migration_problem import describe

ENVIRONMENT = Environment(os.environ, preload=["migrate"])

logger = service_logger()


@logger.inject_lambda_context(log_event=False)
def handler(
    event: dict[str, Any], context: Any, environment: Environment = ENVIRONMENT
) -> dict[str, list[str]]:
    """Migrate the database and tell CloudFormation; deleting the stack leaves the data alone."""
    applied: list[str] = []
    if event.get("RequestType") != "Delete":
        try:
            applied = environment.migrate()
        except Exception as error:
            logger.exception("the migration failed")
            # The deployment is rolled back. Values of rows stay in the log, which fewer read.
            log = getattr(context, "log_group_name", "the function's")
            answer(event, f"the migration failed: {describe(error)}; log group {log}")
            raise
        logger.info("the database is migrated", applied=applied)
    answer(event)
    return {"applied": applied}
