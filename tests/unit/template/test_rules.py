"""Rules: what is refused before anything is made."""

import pytest

from tests.support.stacks import Json, Stack

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt"
GOOD = {"JwtSecretArn": SECRET, "CreateSigningUser": "true"}
PROD = {**GOOD, "EnvironmentName": "prod", "RedisTls": "true", "KafkaAuthentication": "TLS"}
CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:cluster/films/1"
RULES: list[tuple[Json, str | None]] = [
    (GOOD, None),
    (PROD, None),
    ({**PROD, "RedisTls": "false"}, "RedisTls"),
    ({**PROD, "RedisTls": "false", "AllowPlaintext": "redis"}, None),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT"}, "KafkaAuthentication"),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT", "EnableKafka": "false"}, None),
    ({"CreateSigningUser": "true"}, "JwtSecretArn"),
    ({"JwtSecretArn": SECRET}, "CreateSigningUser"),
    ({"JwtSecretArn": SECRET, "SigningSecretArn": "arn"}, None),
    ({"JwtSecretArn": SECRET, "RoleSessionSeconds": 3600}, None),
    ({"EnvironmentName": "local"}, None),
    ({**GOOD, "JwtAlgorithm": "RS256"}, "JwtJwksUrl"),
    ({**GOOD, "JwtAlgorithm": "RS256", "JwtJwksUrl": "https://auth.example.com/jwks.json"}, None),
    ({**GOOD, "KafkaAuthentication": "SASL-SCRAM"}, "KafkaSecretArn"),
    ({**GOOD, "KafkaSecretArn": "arn"}, "SASL-SCRAM"),
    ({**GOOD, "KafkaAuthentication": "SASL-SCRAM", "KafkaSecretArn": "arn"}, None),
    ({**GOOD, "KafkaAuthentication": "MSK-IAM"}, "KafkaClusterArn"),
    ({**GOOD, "KafkaAuthentication": "MSK-IAM", "KafkaClusterArn": CLUSTER}, None),
    ({**GOOD, "SigningSecretArn": "arn"}, "SigningSecretArn"),
    ({**GOOD, "MigrationSecretArn": "arn"}, "DatabaseSecretArn"),
    ({**GOOD, "SnapStart": "on", "PythonRuntime": "python3.11"}, "python3.12"),
]


@pytest.mark.parametrize(("given", "told"), RULES)
def test_rules(given: Json, told: str | None) -> None:
    """Parameters that cannot work together are refused, with what is missing; others are not."""
    refusals = Stack(given).refusals()

    assert len(refusals) == (told is not None), refusals
    assert told is None or told in refusals[0]
