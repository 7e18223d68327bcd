"""Every two values of two parameters, if the template's ``Rules`` accept them."""

from typing import Any

import certifi
import pytest

from streaming.config.rotating_secrets import with_secret
from tests.support.adapters import adapters_of
from tests.support.combinations import combinations, stack, values
from tests.support.templates import Json, source

SECRETS = {
    "JWT_SECRET_ARN": "a secret of thirty-two bytes or more",
    "DATABASE_SECRET_ARN": '{"username": "somebody", "password": "secret"}',
    "REDIS_SECRET_ARN": '{"password": "secret"}',
    "KAFKA_SECRET_ARN": '{"username": "somebody", "password": "secret"}',
    "S3_SIGNING_SECRET_ARN": '{"access_key": "AKIA", "secret_key": "secret"}',
}
BY_LAMBDA = {
    "AWS_ACCESS_KEY_ID": "ASIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-central-1",
}
# Read by classes that serve several functions, of which only some use them.
OPTIONAL = {
    "AWS_CREDENTIAL_EXPIRATION",
    "DOCS_ENABLED",
    "REDIS_PROGRESS_TTL",
    "REDIS_SUBSCRIPTION_CACHE_TTL",
    "SSL_CERT_FILE",
}
NUMBERS = range(len(combinations()[0]))


def environment_of(function: Json) -> dict[str, str]:
    """Return a function's variables, with Lambda's own and an existing file of authorities."""
    variables = {
        name: str(value) for name, value in function["Environment"]["Variables"].items()
    } | BY_LAMBDA
    if "SSL_CERT_FILE" in variables:
        variables["SSL_CERT_FILE"] = certifi.where()
    return variables


def code_of(name: str) -> str:
    """Return the folder of a function's code."""
    folder: str = source()["Resources"][name]["Properties"]["CodeUri"]
    return folder


def test_there_are_enough() -> None:
    """Every value of every parameter occurs, in at least forty combinations."""
    rows, _ = combinations()
    assert len(rows) >= 40
    for name, options in values().items():
        assert {row[name] for row in rows} == set(options), name


def test_what_is_refused_whatever_else_is_set() -> None:
    """No two parameters exclude each other except those that the rules name."""
    _, impossible = combinations()
    assert {(one[0], other[0]) for one, other in impossible} == {
        ("EnvironmentName", "UserServiceUrl"),
        ("EnvironmentName", "DatabaseUrl"),
        ("EnvironmentName", "RedisHost"),
        ("PythonRuntime", "SnapStart"),
        ("CreateSigningUser", "SigningSecretArn"),
        ("JwtSecretArn", "JwtAlgorithm"),
        ("JwtSecretArn", "JwtJwksUrl"),
        ("JwtAlgorithm", "JwtJwksUrl"),
        ("DatabaseSecretArn", "MigrationSecretArn"),
        ("KafkaAuthentication", "KafkaSecretArn"),
        ("KafkaAuthentication", "KafkaClusterArn"),
        ("KafkaSecretArn", "KafkaClusterArn"),
        ("EnableAnalytics", "EnableKafka"),
        ("SubnetIds", "SecurityGroupIds"),
        ("DomainName", "CertificateArn"),
        ("DomainName", "ExecuteApiEndpoint"),
        ("CertificateArn", "ExecuteApiEndpoint"),
    }


@pytest.mark.parametrize("number", NUMBERS)
def test_nothing_refers_to_what_is_left_out(number: int) -> None:
    """Every reference leads to a parameter or to an existing resource, also in outputs."""
    made = stack(number)
    assert made.refusals() == []
    assert len(made.resources) > 90
    assert "ApiUrl" in made.outputs
    nested = made.nested
    assert len(nested) > 5
    for beside in nested:
        assert beside.resources
        assert beside.refusals() == []


@pytest.mark.parametrize("number", NUMBERS)
def test_every_policy_says_something(number: int) -> None:
    """No policy has an empty ``Statement``, which IAM rejects as malformed."""
    roles = stack(number).of_type("AWS::IAM::Role")
    users = stack(number).of_type("AWS::IAM::User")
    documents = [
        policy["PolicyDocument"]
        for holder in (roles | users).values()
        for policy in holder.get("Policies", [])
    ]
    assert documents
    for document in documents:
        assert document["Statement"]
        for statement in document["Statement"]:
            assert statement["Action"]
            assert statement["Resource"]
            assert statement["Resource"] != [""]


@pytest.mark.parametrize("number", NUMBERS)
def test_functions_accept_their_variables(number: int) -> None:
    """No function rejects its settings: combinations that the rules accept work."""
    for name, function in stack(number).of_type("AWS::Lambda::Function").items():
        used = adapters_of(code_of(name))
        environment = environment_of(function)
        for variable in sorted(used.secrets):
            if environment.get(variable):
                environment = with_secret(environment, variable, SECRETS[variable])
        for each, settings in used.settings.items():
            if each == "TokenSettings" and stack(number).parameters["EnvironmentName"] == "local":
                environment.setdefault("JWT_SECRET_KEY", "")
                environment["JWT_SECRET_KEY"] = environment["JWT_SECRET_KEY"] or "local"
            assert settings.from_environment(environment), (name, each)


@pytest.mark.parametrize("number", NUMBERS)
def test_event_sources_are_accepted(number: int) -> None:
    """Lambda reads a self-managed Kafka in a VPC or with a login, and an MSK cluster by its ARN."""
    sources = stack(number).of_type("AWS::Lambda::EventSourceMapping").values()
    given = stack(number).parameters
    has_kafka = given["EnableKafka"] == "true"
    reads_changes = has_kafka and given["SubscriptionChangedTopic"] != ""
    reads_events = has_kafka and given["EnableAnalytics"] == "true"
    assert len(sources) == reads_changes + 3 * reads_events
    for each in sources:
        if given["KafkaAuthentication"] == "MSK-IAM":
            assert each["EventSourceArn"] == given["KafkaClusterArn"]
            continue
        assert given["EnvironmentName"] == "local" or each["SourceAccessConfigurations"]
        kinds = {access["Type"] for access in each.get("SourceAccessConfigurations", [])}
        assert ("VPC_SUBNET" in kinds) == ("VPC_SECURITY_GROUP" in kinds)


class Recorded(dict[str, str]):
    """Variables that record which of them, and which others, were read."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable, and record its name."""
        self.read.add(name)
        return super().get(name, default)


def test_functions_have_the_variables_they_read() -> None:
    """A function has every variable and secret that its settings read."""
    found = 0
    for name, function in stack(0).of_type("AWS::Lambda::Function").items():
        used = adapters_of(code_of(name))
        environment = Recorded(environment_of(function))
        if "JWT_SECRET_KEY" in environment:
            environment["JWT_SECRET_KEY"] = SECRETS["JWT_SECRET_ARN"]
        for settings in used.settings.values():
            settings.from_environment(environment)
        declared = set(function["Environment"]["Variables"]) | BY_LAMBDA.keys()
        assert environment.read - declared <= OPTIONAL, name
        assert used.secrets <= declared, name
        found += len(environment.read)
    assert found > 100
