"""The log of an execution environment: one JSON object a line, from the level that is set on.

Lambda's ``ApplicationLogLevel`` decides, which the template sets from its parameter ``LogLevel``;
outside AWS ``LOG_LEVEL`` does. Metrics are no part of the log
(``streaming.observability.metrics``).
"""

import logging

from aws_lambda_powertools.logging import Logger


def service_logger() -> Logger:
    """Return the logger that those of the package, its children, write through.

    Handlers are decorated with its ``inject_lambda_context(log_event=False)``: each line has
    Lambda's request id, and no event is logged, because events contain tokens.

    Other packages are heard from WARNING on, whatever is set: below that, botocore and httpx log
    the requests and answers themselves, with the secrets and signatures in them.
    """
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    return Logger(utc=True, serialize_stacktrace=False)
