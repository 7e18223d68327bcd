"""What the design promises of every call under every fault."""

from collections.abc import Collection

from tests.faults.calls import Call
from tests.faults.faults import Fault

RECOVERY_SECONDS = 5.0
# A start that has to ask the user service waits for it as long as USER_SERVICE_TIMEOUT says.
USER_SERVICE_SECONDS = 5.5
# What a call may lose to Kafka once its environment knows that Kafka is away. Two measurements are
# compared, which have their own noise.
LOST_SECONDS = 0.05
LOST_NOISE_SECONDS = 0.05

_CODES = {
    "postgres": "503 database_unavailable",
    "redis": "503 cache_unavailable",
    "s3": "503 storage_unavailable",
    "user_service": "503 entitlement_unavailable",
}


def allowed_outcomes(dependencies: Collection[str], fault: Fault, call: Call) -> set[str]:
    """Return the answers that a call may get while these dependencies are broken."""
    success = str(call.success)
    failures = {_CODES[each] for each in dependencies if _needs(call, each)}
    # Without Redis, nobody knows who has paid or that the film has a signed copy.
    if "redis" in dependencies and call.function == "start":
        failures |= {_CODES[each] for each in dependencies if each in ("user_service", "s3")}
    if "redis" in dependencies and "postgres" in dependencies and call.function == "get":
        failures.add(_CODES["postgres"])
    if not failures:
        return {success}
    return failures | {success} if fault.may_pass else failures


def allowed_seconds(dependencies: Collection[str], call: Call) -> float:
    """Return how long the answer may take."""
    if call.is_first_start and list(dependencies) == ["user_service"]:
        return USER_SERVICE_SECONDS
    return call.promised_seconds


def is_promised_to_lose_little(dependencies: Collection[str], fault: Fault, call: Call) -> bool:
    """Tell whether ``LOST_SECONDS`` holds: Kafka gives no answer to a call that has an event."""
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
