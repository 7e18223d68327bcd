"""Combinations of the template's parameters that its ``Rules`` accept."""

from functools import cache
from typing import Any

from tests.support.pairwise import Pair, Row, pairwise
from tests.support.stacks import Given, Stack, parameters_in
from tests.support.templates import source

_ARN = "arn:aws:{}:eu-central-1:123456789012:{}"

# For parameters that accept any text: one value in addition to the default.
_TEXTS = {
    "Release": "0123456789abcdef0123456789abcdef",
    "CaBundle": "/opt/python/streaming/authorities.pem",
    "BucketName": "films.example.com",
    "S3EndpointUrl": "https://s3.example.com",
    "S3PublicEndpointUrl": "https://films.example.com",
    "JwtJwksUrl": "https://auth.example.com/jwks.json",
    "JwtIssuer": "https://auth.example.com",
    "JwtAudience": "films",
    "UserServiceUrl": "https://users.example.com",
    "DatabaseUrl": "postgresql://db.example.com:5432/streaming_db?sslmode=verify-full",
    "RedisHost": "redis.example.com",
    "KafkaBootstrapServers": "one.example.com:9094,two.example.com:9094",
    "KafkaTopicPrefix": "films",
    "SubscriptionChangedTopic": "",
    "CorsAllowOrigins": "https://www.example.com,https://example.com",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "DomainName": "api.example.com",
    "CertificateArn": _ARN.format("acm", "certificate/01234567-0123-0123-0123-0123456789ab"),
    "AlarmEmail": "on-call@example.com",
    "AllowPlaintext": "redis,kafka",
    "KafkaClusterArn": _ARN.format("kafka", "cluster/films/0123"),
}
_START = {
    "JwtSecretArn": _ARN.format("secretsmanager", "secret:JwtSecretArn-AbCdEf"),
    "CreateSigningUser": "true",
    "RedisTls": "true",
    "KafkaAuthentication": "TLS",
    "JwtJwksUrl": "",
    "S3EndpointUrl": "",
    "S3PublicEndpointUrl": "",
    "KafkaClusterArn": "",
    "AllowPlaintext": "",
}


def values() -> dict[str, list[str]]:
    """Return the values of each parameter: all allowed values, the bounds, or two texts."""
    return {name: _values(name, item) for name, item in source()["Parameters"].items()}


@cache
def combinations() -> tuple[list[Row], list[Pair]]:
    """Return combinations with every pair of values, and the pairs that the rules reject."""
    known = values()
    start = {
        name: _START.get(name, _TEXTS.get(name, options[0])) for name, options in known.items()
    }
    return pairwise(known, start, _objections)


@cache
def stack(number: int) -> Stack:
    """Return the stack of one combination, which all tests of a process share."""
    return Stack(combinations()[0][number])


def _objections(row: Row) -> list[set[str]]:
    """Return the parameters that each violated assertion of a rule concerns."""
    return [
        set(concerned)
        for name, concerned in _concerned().items()
        for _ in range(_broken(name, tuple([row[key] for key in concerned])))
    ]


@cache
def _concerned() -> dict[str, tuple[str, ...]]:
    """Return the parameters of each rule."""
    rules = source().get("Rules", {})
    return {name: tuple(sorted(parameters_in(rule))) for name, rule in rules.items()}


@cache
def _broken(name: str, values: tuple[str, ...]) -> int:
    """Return how many assertions of a rule its parameters' values violate."""
    rules = {"Rules": {name: source()["Rules"][name]}}
    given = Given(dict(zip(_concerned()[name], values, strict=True)))
    return len(list(given.broken_rules(rules)))


def _values(name: str, item: dict[str, Any]) -> list[str]:
    default = str(item.get("Default", ""))
    if name in _TEXTS:
        return [default, _TEXTS[name]]
    if name == "LogRetentionDays":
        return ["1", "30", "365"]
    if "AllowedValues" in item:
        return [str(value) for value in item["AllowedValues"]]
    if item["Type"] == "Number":
        bounds = (item[key] for key in ("MinValue", "MaxValue") if key in item)
        return list(dict.fromkeys([default, *map(str, bounds)]))
    service = "kms" if name.endswith("KeyArn") else "secretsmanager"
    kind = f"key/{name}" if service == "kms" else f"secret:{name}-AbCdEf"
    assert name.endswith("Arn"), f"a value for {name}"
    return [default, _ARN.format(service, kind)]
