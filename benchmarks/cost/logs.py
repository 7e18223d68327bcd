"""The bytes that AWS itself logs of a call: Lambda's events, and API Gateway's access log."""

import json

from benchmarks.circumstances import ROOT
from benchmarks.cost.usage import CALLS, REQUESTS
from local.gateway.intrinsics import load_yaml

_CALL = {"requestId": "6f1d2a8e-3c1e-4d4b-9a60-5b0c2d7e1fa1"}
_FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:streaming-prod-progress:live"
_METRICS = {
    "durationMs": 11.482,
    "billedDurationMs": 12,
    "memorySizeMB": 512,
    "maxMemoryUsedMB": 104,
}
# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
PLATFORM_EVENTS = tuple(
    json.dumps(
        {"time": "2026-11-28T19:41:18.123Z", "type": kind, "record": record}, separators=(",", ":")
    )
    for kind, record in (
        ("platform.start", {**_CALL, "functionArn": _FUNCTION, "version": "42"}),
        ("platform.report", {**_CALL, "metrics": _METRICS, "status": "success"}),
    )
)
_VALUES = {
    "$context.requestId": "JKJaXmPLvHcESHA=",
    "$context.identity.sourceIp": "203.0.113.195",
    "$context.routeKey": "POST /api/v1/stream/{movie_id}/progress",
    "$context.status": "200",
    "$context.responseLatency": "17",
    "$context.requestTime": "28/Nov/2026:19:41:18 +0000",
    "$context.integrationLatency": "14",
    "$context.integrationErrorMessage": "-",
}
# The access log before AccessLog was a parameter.
FORMER_FORMAT = (
    '{"request_id":"$context.requestId","time":"$context.requestTime",'
    '"ip":"$context.identity.sourceIp", "route":"$context.routeKey","status":"$context.status",'
    '"latency_ms":"$context.responseLatency", "integration_ms":"$context.integrationLatency",'
    '"error":"$context.integrationErrorMessage"}'
)
# With AccessLog=sampled, a function's line of one call in a hundred.
SAMPLED_LINE_BYTES, SAMPLED_CALLS = 450, 100

PLATFORM_BYTES = sum(map(len, PLATFORM_EVENTS))


def logged(kind: str) -> dict[str, float]:
    """Return the bytes that AWS logs of each call.

    ``kind`` is ``before`` AccessLog was a parameter, ``now``, ``sampled``, or that of a ``peer``.
    """
    access = line_bytes(access_format())
    of_request, of_call = {
        "before": (line_bytes(FORMER_FORMAT), PLATFORM_BYTES),
        "now": (access, 0),
        "sampled": (SAMPLED_LINE_BYTES / SAMPLED_CALLS, 0),
        "peer": (0, PLATFORM_BYTES),
    }[kind]
    return {call: of_call + (of_request if call in REQUESTS else 0) for call in CALLS}


def line_bytes(format_: str) -> int:
    """Return the length of a line of the access log of a report."""
    # The longer names first: the name of one variable begins with that of another.
    for name in sorted(_VALUES, key=len, reverse=True):
        format_ = format_.replace(name, _VALUES[name])
    return len(format_)


def access_format() -> str:
    """Return the format of the access log in the template, with ``AccessLog=all``."""
    template = load_yaml((ROOT / "template.yaml").read_text("utf-8"))
    settings = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]
    _, of_all, _ = settings["Fn::If"]
    return str(of_all["Format"])
