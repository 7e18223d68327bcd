"""Policies allow every call that a function makes, and no other."""

import re
from typing import Any

import pytest

from tests.support.calls import COPY, MOVIE, calls_of, s3_operations, via
from tests.support.combinations import combinations, stack
from tests.support.permissions import Call, condition_holds, is_allowed
from tests.support.stacks import Stack
from tests.support.templates import ROOT, Json, statements

NUMBERS = range(len(combinations()[0]))
# These add permissions to the functions' roles, which SAM and Lambda's consumer need.
MANAGED = {
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSLambdaMSKExecutionRole",
}
# Objects have names that only a request knows. Housekeeping writes and analytics reads all topics
# of the prefix; analytics has a consumer group for each.
WILDCARDS = ("/movies/*", "/playback/*", ".*", "-analytics-*")
XRAY = "AWSXrayWriteOnlyAccess"
ARN = "arn:aws:{}:eu-central-1:123456789012:{}"
OTHER_SECRET = ARN.format("secretsmanager", "secret:somebody-elses-AbCdEf")
OTHER_KEY = ARN.format("kms", "key/4567")


def role_of(name: str, made: Stack) -> Json:
    """Return the role of a function."""
    role: Json = made.of_type("AWS::IAM::Role")[f"{name}Role"]
    return role


def as_list(value: str | list[str]) -> list[str]:
    """Return one value as a list."""
    return [value] if isinstance(value, str) else value


def strange_calls(made: Stack) -> set[Call]:
    """Return calls that no function makes: other prefixes, secrets, keys, actions and services."""
    bucket = f"arn:aws:s3:::{made.parameters['BucketName']}"
    cluster = made.parameters["KafkaClusterArn"] or ARN.format("kafka", "cluster/films/0123")
    topic = cluster.replace(":cluster/", ":topic/")
    calls = {
        *(Call(f"s3:{action}Object", f"{bucket}/{path}") for path in (MOVIE, COPY, "private/a")
          for action in ("Delete", "Get", "Put")),
        Call("s3:GetObject", f"arn:aws:s3:::somebody-elses/{MOVIE}"),
        Call("s3:ListBucket", bucket, (("s3:prefix", "private/"),)),
        Call("s3:ListBucket", "arn:aws:s3:::somebody-elses"),
        Call("s3:PutBucketPolicy", bucket),
        Call("s3:ListAllMyBuckets", "*"),
        Call("s3:DeleteObjectVersion", f"{bucket}/{MOVIE}"),
        Call("secretsmanager:ListSecrets", "*"),
        Call("secretsmanager:GetSecretValue", OTHER_SECRET),
        Call("secretsmanager:PutSecretValue", OTHER_SECRET),
        Call("kms:Decrypt", OTHER_KEY, via("secretsmanager")),
        Call("kms:Decrypt", OTHER_KEY, via("s3")),
        Call("kafka-cluster:WriteData", f"{topic}/somebody.elses"),
        Call("kafka-cluster:CreateTopic", f"{topic}/{made.parameters['KafkaTopicPrefix']}.start"),
        Call("kafka-cluster:AlterCluster", cluster),
        Call("lambda:InvokeFunction", ARN.format("lambda", "function:films-migrate")),
        Call("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/films-SigningUser"),
        Call("sts:AssumeRole", "arn:aws:iam::123456789012:role/films-MigrateFunctionRole"),
    }  # fmt: skip
    for name in ("SecretsKeyArn", "FilmsKeyArn"):
        if key := made.parameters[name]:
            calls |= {Call("kms:Decrypt", key), Call("kms:Encrypt", key, via("s3"))}
            calls.add(Call("kms:Decrypt", key, via("dynamodb")))
    for name, value in made.parameters.items():
        if name.endswith("SecretArn") and value:
            calls |= {Call(f"secretsmanager:{verb}SecretValue", value) for verb in ("Get", "Put")}
            calls.add(Call("secretsmanager:DeleteSecret", value))
    return calls


@pytest.mark.parametrize("number", NUMBERS)
def test_functions_may_do_what_they_do_and_nothing_else(number: int) -> None:
    """Of all calls of all functions, and many others, each function may make exactly its own."""
    made = stack(number)
    needed = {name: calls_of(name, made) for name in made.of_type("AWS::Lambda::Function")}
    everything = strange_calls(made).union(*needed.values())
    for name, own in needed.items():
        policies = role_of(name, made).get("Policies", [])
        allowed = {call for call in everything if is_allowed(policies, call)}
        assert allowed - own == set(), f"{name} may do more than it does"
        assert own - allowed == set(), f"{name} may not do what it does"


@pytest.mark.parametrize("number", NUMBERS)
def test_policies_list_nothing_that_is_not_used(number: int) -> None:
    """A function's policies list exactly the actions of its calls, each for used resources."""
    made = stack(number)
    for name in made.of_type("AWS::Lambda::Function"):
        own = calls_of(name, made)
        listed = set()
        for statement in statements(role_of(name, made).get("Policies", [])):
            assert statement.keys() <= {"Effect", "Action", "Resource", "Condition", "Sid"}, name
            for action in as_list(statement["Action"]):
                listed.add(action)
                for resource in as_list(statement["Resource"]):
                    assert "*" not in resource or resource.endswith(WILDCARDS), name
                    one = {**statement, "Action": action, "Resource": resource}
                    grant = [{"PolicyDocument": {"Statement": [one]}}]
                    calls = (call for call in own if call.action == action)
                    assert any(is_allowed(grant, call) for call in calls), (name, action, resource)
        assert listed == {call.action for call in own}, name


@pytest.mark.parametrize("number", NUMBERS)
def test_roles_have_no_other_managed_policy(number: int) -> None:
    """Beside their own policies roles have only those for logs, network interfaces and MSK."""
    made = stack(number)
    for name in made.of_type("AWS::Lambda::Function"):
        arns = role_of(name, made)["ManagedPolicyArns"]
        traced = {XRAY} if made.parameters["Tracing"] == "Active" else set()
        assert {arn.rpartition("/")[2] for arn in arns} - MANAGED == traced
        reads = made.resolve({"Ref": name}) in {
            source["FunctionName"]
            for source in made.of_type("AWS::Lambda::EventSourceMapping").values()
        }
        assert any("MSK" in arn for arn in arns) == reads


@pytest.mark.parametrize("number", NUMBERS)
def test_signing_user_may_read_films_and_copies_only(number: int) -> None:
    """The key that signs URLs can read films and copies, and change nothing."""
    made = stack(number)
    users = made.of_type("AWS::IAM::User").values()
    assert len(users) == (made.parameters["CreateSigningUser"] == "true")
    bucket = f"arn:aws:s3:::{made.parameters['BucketName']}"
    own = {Call("s3:GetObject", f"{bucket}/{path}") for path in (MOVIE, COPY)}
    if key := made.parameters["FilmsKeyArn"]:
        own.add(Call("kms:Decrypt", key, via("s3")))
    functions = (calls_of(name, made) for name in made.of_type("AWS::Lambda::Function"))
    everything = strange_calls(made).union(own, *functions)
    for user in users:
        assert {call for call in everything if is_allowed(user["Policies"], call)} == own


def test_the_schedule_may_run_housekeeping_only() -> None:
    """The schedule's role may only call the alias of its function."""
    made = Stack()
    (schedule,) = made.of_type("AWS::Scheduler::Schedule").values()
    (role,) = (
        role
        for role in made.of_type("AWS::IAM::Role").values()
        if "scheduler.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
    )
    target = schedule["Target"]["Arn"]
    own = Call("lambda:InvokeFunction", target)
    assert target.endswith(":function:films-housekeeping:live")
    everything = strange_calls(made) | {own, Call("lambda:UpdateFunctionCode", target)}
    assert {call for call in everything if is_allowed(role["Policies"], call)} == {own}


def test_all_calls_of_aws_are_known() -> None:
    """Only the film bucket uses boto3, by three operations; secrets are read by one target."""
    package = ROOT / "layers/streaming/python/streaming"
    texts = {path.name: path.read_text("utf-8") for path in package.rglob("*.py")}
    assert {name for name, text in texts.items() if "boto3.client(" in text} == {"bucket.py"}
    assert s3_operations() == {"get_object", "head_object", "put_object"}
    targets = re.findall(
        r'"(\w+\.\w+)"', "".join(re.findall(r"_TARGET = .*", "".join(texts.values())))
    )
    assert targets == ["secretsmanager.GetSecretValue"]


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({}, {}, True),
        ({"StringEquals": {"kms:ViaService": "s3"}}, {"kms:ViaService": "s3"}, True),
        ({"StringEquals": {"kms:ViaService": "s3"}}, {"kms:ViaService": "s3.a"}, False),
        ({"StringEquals": {"kms:ViaService": "s3"}}, {}, False),
        ({"StringEquals": {"a": ["1", "2"]}}, {"a": "2"}, True),
        ({"StringEquals": {"a": "1", "b": "1"}}, {"a": "1", "b": "2"}, False),
        ({"StringLikeIfExists": {"s3:prefix": "movies/*"}}, {}, True),
        ({"StringLikeIfExists": {"s3:prefix": "movies/*"}}, {"s3:prefix": "movies/a"}, True),
        ({"StringLikeIfExists": {"s3:prefix": "movies/*"}}, {"s3:prefix": "private"}, False),
    ],
)
def test_conditions(condition: Any, context: dict[str, str], *, holds: bool) -> None:
    """Conditions, for which moto's rules differ from IAM's, are evaluated by IAM's."""
    assert condition_holds(condition, context) is holds


def test_denials_go_first() -> None:
    """An explicit denial takes precedence over any permission; everything else is denied."""

    def policy(effect: str) -> Json:
        statement = {"Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}
        return {"PolicyDocument": {"Statement": [statement]}}

    call = Call("s3:GetObject", "arn:aws:s3:::a/b")
    assert is_allowed([policy("Allow")], call)
    assert not is_allowed([policy("Allow"), policy("Deny")], call)
    assert not is_allowed([policy("Allow")], Call("s3:PutObject", "arn:aws:s3:::a/b"))
