"""Runs in an execution environment's process: imports the handler, then processes events.

An event is a line on the standard input, its response a line on the descriptor of the first
argument. The function's output is its log. Only the standard library is imported here.
"""

import importlib
import json
import os
import sys
import traceback


class Context:
    """Lambda's context object."""

    memory_limit_in_mb = 512

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = os.environ["FUNCTION_ARN"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]

    def get_remaining_time_in_millis(self) -> int:
        """Return the context of a new call."""
        return int(os.environ["FUNCTION_TIMEOUT"]) * 1000


def _log(request_id: str, payload: dict[str, str]) -> None:
    """Print an uncaught error, in the format of Lambda's client."""
    if os.environ["AWS_LAMBDA_LOG_FORMAT"] != "JSON":
        traceback.print_exc()
        return
    lines = traceback.format_exc().splitlines()
    line = {"log_level": "ERROR", **payload, "requestId": request_id, "stackTrace": lines}
    print(json.dumps(line))


def main() -> None:
    """Process events until the input ends."""
    answers = os.fdopen(int(sys.argv[1]), "w")
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            handler = handler or getattr(importlib.import_module(module), name)
            answer = {"failed": False, "payload": handler(request["event"], Context(request["id"]))}
        except Exception as error:  # noqa: BLE001 - Lambda answers the caller with it
            payload = {"errorType": type(error).__name__, "errorMessage": str(error)}
            _log(request["id"], payload)
            answer = {"failed": True, "payload": payload}
        sys.stdout.flush()
        sys.stderr.flush()
        print(json.dumps(answer), file=answers, flush=True)


main()
