"""Applies migrations/ during a deployment, before the new code receives traffic."""

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
    """Migrate the database and report to CloudFormation; deleting the stack keeps the data.

    Raises what ``environment.migrate`` raises, after it has reported the failure.
    """
    applied: list[str] = []
    if event.get("RequestType") != "Delete":
        try:
            applied = environment.migrate()
        except Exception as error:
            logger.exception("the migration failed")
            # CloudFormation rolls the deployment back. The values of rows are only in the log,
            # because fewer people can read it.
            log = getattr(context, "log_group_name", "the function's")
            answer(event, f"the migration failed: {describe(error)}; log group {log}")
            raise
        logger.info("the database is migrated", applied=applied)
    answer(event)
    return {"applied": applied}
