"""The changes of a second deployment: all changes, for every alias, or none."""

import base64
import json
import re
from uuid import UUID

from redis.crc import key_slot

from local.ports import free_ports
from local.stack import Stack
from streaming.cache import keys
from tests.conftest import Rows
from tests.deploy.deployment import Deployment
from tests.deploy.playing import play
from tests.support.emitted import emitted
from tests.support.functions import Json, event
from tests.support.redis_of_stack import OneNode

FUNCTIONS = (
    *("Authorizer", "Start", "Progress", "Get", "Stop"),
    *("Invalidate", "Erase", "Insights", "Docs", "Housekeeping"),
)
VERSIONS = {f"{name}FunctionVersion" for name in FUNCTIONS}
ALIASES = {f"{name}FunctionAliaslive" for name in FUNCTIONS}
# Every release changes all functions behind an alias, and which version their canaries watch.
RELEASED = {
    *("Migration", *ALIASES),
    *(f"{name}{kind}" for name in FUNCTIONS for kind in ("Function", "Release")),
}
WITHOUT_ALIAS = {"AnalyticsFunction", "MigrateFunction", "SubscriptionChangedFunction"}


def versions(deployment: Deployment) -> dict[str, str]:
    """Return the version behind the alias of each function."""
    return {name: each["Version"] for name, each in deployment.served().items()}


def changes(printed: str) -> dict[str, set[str]]:
    """Return the printed names of changed resources, without the hashes at their ends."""
    lines = re.findall(r"^(Created|Updated|Replaced|Deleted): (.*)$", printed, re.MULTILINE)
    return {
        kind: {re.sub(r"(Version|Layer)[0-9a-f]{10}$", r"\1", each) for each in names.split(", ")}
        for kind, names in lines
    }


def keys_of(node: OneNode, user_id: UUID) -> set[str]:
    """Return the keys in Redis that name a user."""
    return {key for key in node.ask("KEYS", "*") if str(user_id) in key}


def subscription_changed(user_id: UUID) -> Json:
    """Return an event that reports a user's changed subscription."""
    changed = event("subscription_changed")
    records, *_ = changed["records"].values()
    text = json.dumps({"user_id": str(user_id)})
    records[0]["value"] = base64.b64encode(text.encode()).decode()
    return changed


def test_nothing(deployed: Deployment) -> None:
    """A deployment of the same artefacts and parameters changes no resource, and says so."""
    stack = deployed.aws.cloudformation.stacks["streaming-dev"]
    before, events = versions(deployed), len(stack.events)
    printed = deployed.succeed()
    assert before == versions(deployed)
    assert len(before) == len(ALIASES)
    assert events == len(stack.events)
    assert "\nNothing changed\n" in printed
    assert changes(printed) == {}


def test_parameter(deployed: Deployment) -> None:
    """After the change of a parameter every alias serves a version with the new environment.

    With `LogLevel=ERROR` the functions log only errors, and still emit their metrics.
    """
    before = versions(deployed)
    deployed.succeed(LogLevel="ERROR")
    served = deployed.served()
    assert {"ERROR"} == {each["Environment"]["Variables"]["LOG_LEVEL"] for each in served.values()}
    assert {"ERROR"} == {each["LoggingConfig"]["ApplicationLogLevel"] for each in served.values()}
    assert all(before[name] != each["Version"] for name, each in served.items())
    group = "/streaming/streaming-dev/housekeeping"
    logged = len(deployed.aws.log(group))
    deployed.invoke("housekeeping", event("housekeeping"))
    printed = deployed.aws.log(group)[logged:]
    assert len(emitted(printed, "OutboxAgeSeconds")) == 1
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert {line["level"] for line in lines if "_aws" not in line} <= {"ERROR"}


def test_parameter_that_is_no_longer_given(deployed: Deployment) -> None:
    """A parameter that was removed from samconfig.toml gets the template's default again.

    The printed changes are exactly those: a release of all functions behind an alias.
    """
    deployed.succeed(UserServiceTimeoutSeconds="7")
    before = versions(deployed)
    printed = deployed.succeed()
    start = deployed.served()["streaming-dev-start"]
    assert start["Environment"]["Variables"]["USER_SERVICE_TIMEOUT"] == "5"
    assert before["streaming-dev-start"] != start["Version"]
    assert changes(printed) == {
        "Created": VERSIONS,
        "Updated": RELEASED,
        "Deleted": VERSIONS,
    }


def test_layer(deployed: Deployment) -> None:
    """After a change of only our layer every alias serves it, and all changes are printed."""
    before = deployed.served()
    printed = deployed.with_layer("added", "ADDED = True\n").succeed()
    assert changes(printed) == {
        "Created": {"StreamingLayer", *VERSIONS},
        "Updated": RELEASED | WITHOUT_ALIAS,
        "Deleted": {"StreamingLayer", *VERSIONS},
    }
    for name, after in deployed.served().items():
        assert before[name]["Version"] != after["Version"]
        assert before[name]["Layers"] != after["Layers"]
        (added,) = {each["Arn"] for each in after["Layers"]} - {
            each["Arn"] for each in before[name]["Layers"]
        }
        assert "StreamingLayer" in added
    answer = deployed.api.call("GET", "/health")
    assert answer.status == 200


def test_redis_cluster(deployed: Deployment, stack: Stack) -> None:
    """With `RedisCluster=true` the calls, a changed subscription and an erasure use a cluster.

    A user's keys have several slots, and the node refuses commands on keys of more than one.
    """
    (port,) = free_ports(1)
    node = OneNode(port, stack.state)
    node.start()
    try:
        deployed.succeed(RedisCluster="true", RedisPort=str(port))
        served = deployed.served().values()
        variables = [each["Environment"]["Variables"] for each in served]
        assert {"true"} == {each["REDIS_CLUSTER"] for each in variables if "REDIS_HOST" in each}
        played = play(deployed, stack)
        assert played.statuses == [200] * 4
        held = keys_of(node, played.user_id)
        assert len({key_slot(key.encode()) for key in held}) > 1
        assert keys.subscription(played.user_id) in held

        answer = deployed.invoke("subscription-changed", subscription_changed(played.user_id))
        assert "errorType" not in (answer or {})
        left = keys_of(node, played.user_id)
        assert held - left >= {
            keys.subscription(played.user_id),
            keys.subscription_for_grace(played.user_id),
        }

        path = f"/api/v1/users/{played.user_id}/data"
        assert deployed.api.call("DELETE", path, stack.token(role="admin")).status == 200
        assert keys_of(node, played.user_id) < left
    finally:
        node.stop()


def test_migration(deployed: Deployment, database: Rows) -> None:
    """A new migration is applied before any alias gets a version of the same release."""
    before = versions(deployed)
    deployed.with_migration("900_added", "CREATE TABLE added (id int)").succeed()
    assert database("SELECT name FROM schema_migrations WHERE name LIKE '900%'") == [
        {"name": "900_added.sql"}
    ]
    assert all(before[name] != version for name, version in versions(deployed).items())


def test_plan(deployed: Deployment) -> None:
    """`PLAN=1` prints what would change, and changes nothing."""
    before = versions(deployed)
    printed = deployed.succeed("PLAN=1", LogLevel="WARNING")
    assert "StartFunctionAliaslive" in printed
    assert before == versions(deployed)
