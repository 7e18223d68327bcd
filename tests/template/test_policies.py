"""Permissions of roles and users."""

import json

import pytest

from tests.support.stacks import Stack
from tests.support.templates import Json, source, statements
from tests.template.conftest import of_type

SECRETS = {
    "JWT_SECRET_KEY",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "REDIS_PASSWORD",
    "KAFKA_PASSWORD",
}
# The policy that denies everything without TLS.
STARS = {"FilmBucketPolicy"}
# Each adds a statement, or removes one.
OPTIONAL = {
    "JwtSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt",
    "DatabaseSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:database",
    "MigrationSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:migration",
    "RedisSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:redis",
    "KafkaSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kafka",
    "SigningSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:signing",
    "KafkaClusterArn": "arn:aws:kafka:eu-central-1:123456789012:cluster/films/1",
    "SecretsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1",
    "CreateSigningUser": "true",
    "EnableKafka": "false",
    "SubscriptionChangedTopic": "",
}


def test_no_secret_is_in_the_template(resources: Json) -> None:
    """Secrets are empty in every function's environment, and no parameter contains one."""
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        for secret in SECRETS & variables.keys():
            assert variables[secret] == "", f"{name}.{secret}"
    assert not any(item.get("NoEcho") for item in source()["Parameters"].values())


def test_nobody_may_do_everything(resources: Json) -> None:
    """No statement that allows something has * as its action or its resource."""
    for name, resource in resources.items():
        if name in STARS:
            continue
        for statement in statements(resource):
            text = json.dumps([statement.get("Action"), statement.get("Resource")])
            assert '"*"' not in text, name
            assert ':*"' not in json.dumps(statement.get("Action")), name


def test_each_function_has_a_role_of_its_own(resources: Json) -> None:
    """No two functions share a role, and functions without secrets may read none."""
    roles = [
        json.dumps(function["Role"])
        for function in of_type(resources, "AWS::Lambda::Function").values()
    ]
    assert len(set(roles)) == len(roles)
    assert "secretsmanager" not in json.dumps(resources["DocsFunctionRole"])
    assert "s3:" not in json.dumps(resources["ProgressFunctionRole"])


def test_bucket_is_private(resources: Json) -> None:
    """Nothing in the bucket is public, stored in plaintext, or reachable without TLS."""
    (bucket,) = of_type(resources, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket
    (policy,) = of_type(resources, "AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}


@pytest.mark.parametrize("given", ["", *OPTIONAL])
def test_no_policy_is_empty(given: str) -> None:
    """Without optional parameters, and with each alone, every policy has a statement.

    IAM rejects others as malformed.
    """
    stack = Stack({given: OPTIONAL[given]} if given else {})
    documents = [
        policy["PolicyDocument"]
        for kind in ("AWS::IAM::Role", "AWS::IAM::User")
        for holder in stack.of_type(kind).values()
        for policy in holder.get("Policies", [])
    ]
    assert len(documents) > 3
    for document in documents:
        assert document["Statement"]
        for statement in document["Statement"]:
            assert statement["Action"]
            assert statement["Resource"]


def test_secrets_may_be_under_a_key_of_ones_own(resources: Json) -> None:
    """A role that may read a secret may decrypt it, only with that key and by Secrets Manager."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        allowed = statements(role.get("Policies", []))
        decrypts = [each for each in allowed if each["Action"] == "kms:Decrypt"]
        reads = [each for each in allowed if "secretsmanager:GetSecretValue" in each["Action"]]
        assert len(decrypts) == bool(reads), name
        for each in decrypts:
            assert each["Resource"] == {"Ref": "SecretsKeyArn"}
            assert "kms:ViaService" in each["Condition"]["StringEquals"]
