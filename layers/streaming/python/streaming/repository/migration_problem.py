"""Describes why a migration failed, for the people who deploy.

CloudFormation shows the text to everybody who may see the stack. Therefore it contains no values of
rows and no secrets, only PostgreSQL's primary message, the service's own messages and the code of
AWS's error.
"""

import pg8000.native

from streaming.config.aws_answers import AwsRefusal
from streaming.config.rotating_secrets import SecretUnavailable
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import StreamingError
from streaming.repository.server_errors import message, sql_state

# Data exceptions, whose message quotes the data.
_DATA = "22"
_LONGEST = 1000


def describe(error: BaseException) -> str:
    """Return the error and its causes as text, each once, the outermost first. Never raises."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        text = ", ".join([_text(cause), *getattr(cause, "__notes__", [])])
        if text not in texts:
            texts.append(text)
        cause = cause.__cause__
    return ": ".join(texts)[:_LONGEST]


def _text(error: BaseException) -> str:
    if isinstance(error, pg8000.native.DatabaseError):
        state = sql_state(error)
        said = "" if state.startswith(_DATA) else message(error)
        return f"{said or 'PostgreSQL refuses'} (SQLSTATE {state})"
    if isinstance(error, StreamingError):
        return error.detail
    if isinstance(error, ConfigurationError | SecretUnavailable | OSError):
        return str(error)
    if isinstance(error, AwsRefusal):
        return error.code
    return type(error).__name__
