"""Lambda's context object, in a module that a process of its own imports quickly."""


class Context:
    """Lambda's context object, with the members that the functions use."""

    aws_request_id = "8d6f6a0e-5f3a-4f57-9f2a-0a4b6f2c1d3e"
    function_name = "function"
    function_version = "7"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"

    def get_remaining_time_in_millis(self) -> int:
        """Return what a new call of housekeeping has; requests end at their own limits before."""
        return 50_000
