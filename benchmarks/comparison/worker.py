"""Runs a Lambda handler in a process of its own, and measures its calls.

It runs with the packages of the measured service, so it imports nothing but the standard library.
Each line of the input is a JSON list of events. The answer is a line of JSON: the handler's
results, the nanoseconds of each call, and the processor time of all threads for all calls.

Usage: ``python worker.py module folder ...`` with the folders of the handler's code.
"""

import importlib
import json
import os
import sys
import time
from typing import Any, TextIO


class Context:
    """Lambda's context object."""

    function_name = "function"
    function_version = "7"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    log_group_name = "/aws/lambda/function"
    log_stream_name = "2026/01/01/[7]8d6f6a0e5f3a4f579f2a0a4b6f2c1d3e"

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"8d6f6a0e-5f3a-4f57-9f2a-{number:012x}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds of a new call."""
        return 20_000


def main() -> None:
    """Answer each line of the input until it ends."""
    answers = _take_output()
    module, *folders = sys.argv[1:]
    sys.path[:0] = folders
    handler = importlib.import_module(module).handler
    calls = 0
    for line in sys.stdin:
        events: list[dict[str, Any]] = json.loads(line)
        contexts = [Context(calls + number) for number in range(len(events))]
        calls += len(events)
        results, nanoseconds = [], []
        before = time.process_time_ns()
        for event, context in zip(events, contexts, strict=True):
            began = time.perf_counter_ns()
            result = handler(event, context)
            nanoseconds.append(time.perf_counter_ns() - began)
            results.append(result)
        processor = time.process_time_ns() - before
        json.dump([results, nanoseconds, processor], answers)
        answers.write("\n")
        answers.flush()


def _take_output() -> TextIO:
    """Return the standard output; what the handler prints goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
