"""The log: one JSON object per line, from the configured level on.

The level is Lambda's ``ApplicationLogLevel``, which the template sets from its parameter
``LogLevel``, and ``LOG_LEVEL`` outside AWS. Metrics do not depend on it
(``streaming.observability.metrics``).
"""

import logging

from aws_lambda_powertools.logging import Logger


def service_logger() -> Logger:
    """Return the parent of all loggers of the package.

    Handlers are decorated with its ``inject_lambda_context(log_event=False)``: each line has
    Lambda's request id, and no event is logged, because events contain tokens.

    Other packages always log from WARNING on: below that, botocore and httpx log requests and
    responses with secrets and signatures.
    """
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    return Logger(utc=True, serialize_stacktrace=False)
