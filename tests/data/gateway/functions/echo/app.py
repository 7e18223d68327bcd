"""Returns its input."""

import os
from typing import Any

from shared_words import WORD  # type: ignore[import-not-found]


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the event, the environment and the context."""
    print("echo was asked")
    return {
        "event": event,
        "environment": dict(os.environ),
        "word": WORD,
        "pid": os.getpid(),
        "context": {
            "aws_request_id": context.aws_request_id,
            "function_name": context.function_name,
            "function_version": context.function_version,
            "invoked_function_arn": context.invoked_function_arn,
            "memory_limit_in_mb": context.memory_limit_in_mb,
            "remaining": context.get_remaining_time_in_millis(),
        },
    }
