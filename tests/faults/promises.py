"""The promises of the design for every call under every fault."""

from collections.abc import Collection

from tests.faults.calls import Call
from tests.faults.faults import Fault

RECOVERY_SECONDS = 5.0
# A start that has to query the user service waits for it for up to USER_SERVICE_TIMEOUT.
USER_SERVICE_SECONDS = 5.5
# The time that Kafka may cost a call after its environment has detected that Kafka is unavailable.
# Two measurements are compared, each of which has noise.
LOST_SECONDS = 0.05
LOST_NOISE_SECONDS = 0.05

_CODES = {
    "postgres": "503 database_unavailable",
    "redis": "503 cache_unavailable",
    "s3": "503 storage_unavailable",
    "user_service": "503 entitlement_unavailable",
}


def allowed_outcomes(dependencies: Collection[str], fault: Fault, call: Call) -> set[str]:
    """Return the outcomes that a call may have while these dependencies are broken."""
    success = str(call.success)
    failures = {_CODES[each] for each in dependencies if _needs(call, each)}
    # Without Redis, neither the subscription nor the film's signed copy is known.
    if "redis" in dependencies and call.function == "start":
        failures |= {_CODES[each] for each in dependencies if each in ("user_service", "s3")}
    if "redis" in dependencies and "postgres" in dependencies and call.function == "get":
        failures.add(_CODES["postgres"])
    if not failures:
        return {success}
    return failures | {success} if fault.may_pass else failures


def allowed_seconds(dependencies: Collection[str], call: Call) -> float:
    """Return the maximum duration of the response."""
    if call.is_first_start and list(dependencies) == ["user_service"]:
        return USER_SERVICE_SECONDS
    return call.promised_seconds


def is_promised_to_lose_little(dependencies: Collection[str], fault: Fault, call: Call) -> bool:
    """Return whether ``LOST_SECONDS`` applies: Kafka does not respond to a call with an event."""
    has_event = call.topic is not None and not call.is_first_start
    return list(dependencies) == ["kafka"] and has_event and not fault.may_pass


def _needs(call: Call, dependency: str) -> bool:
    if dependency == "postgres":
        return call.title not in ("get", "invalidate")
    if dependency == "redis":
        return call.title == "erase"
    if dependency == "s3" and call.title == "invalidate":
        return True
    return call.is_first_start and dependency in ("s3", "user_service")
