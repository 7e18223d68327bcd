"""Rules: combinations that are rejected before any resource is created."""

import pytest

from tests.support.stacks import Given
from tests.support.templates import Json, source

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt"
SERVERS = {
    "UserServiceUrl": "https://users.example.com",
    "DatabaseUrl": "postgresql://db.example.com:5432/streaming_db?sslmode=verify-full",
    "RedisHost": "redis.example.com",
    "KafkaBootstrapServers": "kafka.example.com:9092",
}
VPC = {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
GOOD = {**SERVERS, **VPC, "JwtSecretArn": SECRET, "CreateSigningUser": "true"}
NO_SIGNER = {**GOOD, "CreateSigningUser": "false"}
KEY_SET = {
    **GOOD,
    "JwtSecretArn": "",
    "JwtAlgorithm": "RS256",
    "JwtJwksUrl": "https://auth.example.com/jwks.json",
}
OUTSIDE = {**GOOD, "SubnetIds": "", "SecurityGroupIds": ""}
NAMED = {
    **GOOD,
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
}
PROD = {**GOOD, "EnvironmentName": "prod", "RedisTls": "true", "KafkaAuthentication": "TLS"}
CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:cluster/films/1"
RULES: list[tuple[Json, str | None]] = [
    (GOOD, None),
    (PROD, None),
    ({"EnvironmentName": "local"}, None),
    *(({**GOOD, name: source()["Parameters"][name]["Default"]}, name) for name in SERVERS),
    ({**GOOD, "EnableKafka": "false", "KafkaBootstrapServers": "localhost:9092"}, None),
    ({**PROD, "RedisTls": "false"}, "RedisTls"),
    ({**PROD, "RedisTls": "false", "AllowPlaintext": "redis"}, None),
    ({**PROD, "RedisTls": "false", "AllowPlaintext": "s3,redis"}, None),
    ({**PROD, "RedisTls": "false", "AllowPlaintext": "kafka"}, "RedisTls"),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT"}, "KafkaAuthentication"),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT", "AllowPlaintext": "s3"}, "KafkaAuthentication"),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT", "AllowPlaintext": "kafka"}, None),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT", "EnableKafka": "false"}, None),
    ({**GOOD, "JwtSecretArn": ""}, "JwtSecretArn"),
    ({**GOOD, "JwtJwksUrl": KEY_SET["JwtJwksUrl"]}, "JwtJwksUrl"),
    (KEY_SET, None),
    ({**KEY_SET, "JwtJwksUrl": ""}, "JwtJwksUrl"),
    ({**KEY_SET, "JwtSecretArn": SECRET}, "JwtSecretArn"),
    (NO_SIGNER, "CreateSigningUser"),
    ({**NO_SIGNER, "SigningSecretArn": SECRET}, None),
    ({**NO_SIGNER, "RoleSessionSeconds": 3600}, None),
    ({**GOOD, "SigningSecretArn": SECRET}, "SigningSecretArn"),
    ({**GOOD, "KafkaAuthentication": "SASL-SCRAM"}, "KafkaSecretArn"),
    ({**GOOD, "KafkaSecretArn": SECRET}, "SASL-SCRAM"),
    ({**GOOD, "KafkaAuthentication": "SASL-SCRAM", "KafkaSecretArn": SECRET}, None),
    ({**GOOD, "KafkaAuthentication": "MSK-IAM"}, "KafkaClusterArn"),
    ({**GOOD, "KafkaAuthentication": "MSK-IAM", "KafkaClusterArn": CLUSTER}, None),
    ({**GOOD, "KafkaClusterArn": CLUSTER}, "MSK-IAM"),
    ({**GOOD, "MigrationSecretArn": SECRET}, "DatabaseSecretArn"),
    ({**GOOD, "SecurityGroupIds": ""}, "SecurityGroupIds"),
    ({**OUTSIDE, "SecurityGroupIds": "sg-1", "SubscriptionChangedTopic": ""}, "SubnetIds"),
    (OUTSIDE, "SubscriptionChangedTopic"),
    ({**OUTSIDE, "KafkaAuthentication": "TLS"}, "SubscriptionChangedTopic"),
    ({**OUTSIDE, "SubscriptionChangedTopic": ""}, None),
    ({**OUTSIDE, "EnableKafka": "false"}, None),
    ({**OUTSIDE, "KafkaAuthentication": "MSK-IAM", "KafkaClusterArn": CLUSTER}, None),
    ({**OUTSIDE, "KafkaAuthentication": "SASL-SCRAM", "KafkaSecretArn": SECRET}, None),
    ({**GOOD, "EnableAnalytics": "true"}, None),
    ({**GOOD, "EnableAnalytics": "true", "EnableKafka": "false"}, "EnableAnalytics"),
    ({**OUTSIDE, "SubscriptionChangedTopic": "", "EnableAnalytics": "true"}, "EnableAnalytics"),
    (NAMED, None),
    ({**NAMED, "CertificateArn": ""}, "CertificateArn"),
    ({**NAMED, "DomainName": ""}, "DomainName"),
    ({**NAMED, "ExecuteApiEndpoint": "off"}, None),
    ({**GOOD, "ExecuteApiEndpoint": "off"}, "DomainName"),
    ({**GOOD, "SnapStart": "on"}, None),
    ({**GOOD, "SnapStart": "on", "PythonRuntime": "python3.11"}, "python3.12"),
    ({**NO_SIGNER, "SnapStart": "on", "RoleSessionSeconds": 3600}, "SigningSecretArn"),
]


@pytest.mark.parametrize(("given", "told"), RULES)
def test_rules(given: Json, told: str | None) -> None:
    """Parameters that cannot work together are rejected with the reason; others are not."""
    refusals = Given(given).refusals()

    assert len(refusals) == (told is not None), refusals
    assert told is None or told in refusals[0]
