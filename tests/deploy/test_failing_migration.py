"""A failed migration: its error message, the remaining resources, and the next attempt."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.deploy.deployment import Deployment, account
from tests.support.databases import empty_database

BROKEN = "CREATE TABLE broken (id no_such_type)"


@pytest.fixture
def first(stack: Stack, built: Path, tmp_path: Path) -> Iterator[Deployment]:
    """The environment dev before its first deployment."""
    with account(tmp_path) as aws, empty_database(stack) as database_url:
        deployment = Deployment(aws, stack, built, tmp_path, "dev")
        deployment.find_servers(database_url)
        yield deployment


def test_first_deployment(first: Deployment) -> None:
    """The reason names file and cause but no secret, the log remains, the next try succeeds.

    CloudFormation cannot plan changes of what remains, and `PLAN=1` says what to do instead.
    """
    broken = first.with_migration("900_broken", BROKEN)
    assert broken.deploy().returncode != 0
    assert first.status == "ROLLBACK_COMPLETE"
    reason = broken.reasons()[0]
    assert "Migration:" in reason
    assert 'type "no_such_type" does not exist (SQLSTATE 42704), in 900_broken.sql' in reason

    events = json.dumps(first.aws.cloudformation.stacks["streaming-dev"].events, default=str)
    secrets = [first.parameters["DatabaseSecretArn"], first.parameters["JwtSecretArn"]]
    for arn in secrets:
        secret = first.aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        password = json.loads(secret)["password"] if secret.startswith("{") else secret
        assert password not in events
    group = reason.rpartition("log group ")[2]
    assert group.startswith("/streaming/streaming-dev/migrate/")
    assert "no_such_type" in first.aws.log(group)
    assert first.bucket not in _buckets(first)

    planned = first.deploy("PLAN=1")
    assert planned.returncode != 0
    assert "`make deploy` without PLAN deletes the stack" in planned.stderr
    assert first.status == "ROLLBACK_COMPLETE"

    first.succeed()
    assert first.status == "CREATE_COMPLETE"
    assert first.api.call("GET", "/health").status == 200
    assert "no_such_type" in first.aws.log(group)


def test_update(deployed: Deployment, database: Rows) -> None:
    """An update with a failed migration changes nothing; the corrected one takes effect."""
    before = deployed.served()
    broken = deployed.with_migration("900_added", f"CREATE TABLE added (id int); {BROKEN}")
    assert broken.deploy().returncode != 0
    assert deployed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "no_such_type" in deployed.reasons()[0]
    assert before == deployed.served()
    assert deployed.api.call("GET", "/health").status == 200
    assert database("SELECT name FROM schema_migrations WHERE name LIKE '900%'") == []

    deployed.with_migration("900_added", "CREATE TABLE added (id int)").succeed()
    assert deployed.status == "UPDATE_COMPLETE"
    assert database("SELECT id FROM added") == []
    for name, after in deployed.served().items():
        assert before[name]["Version"] != after["Version"]


def test_delete(deployed: Deployment) -> None:
    """Deleting the stack keeps only the films, the log of migrations and the data."""
    done = deployed.aws_command("cloudformation", "delete-stack", "--stack-name", "streaming-dev")
    assert done.returncode == 0, done.stderr
    deployed.aws.cloudformation.wait()
    assert deployed.status == "DELETE_COMPLETE"
    assert deployed.bucket in _buckets(deployed)
    groups = deployed.aws.client("logs").describe_log_groups()["logGroups"]
    assert len(groups) == 1
    assert groups[0]["logGroupName"].startswith("/streaming/streaming-dev/migrate/")
    assert deployed.aws.functions.versions == {}
    for kind, found in (("list_roles", "Roles"), ("list_users", "Users")):
        assert getattr(deployed.aws.client("iam"), kind)()[found] == []


def _buckets(deployment: Deployment) -> list[str]:
    return [each["Name"] for each in deployment.aws.client("s3").list_buckets()["Buckets"]]
