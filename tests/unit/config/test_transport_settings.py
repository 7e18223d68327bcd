"""Plaintext in production: never, unless the settings allow it by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from streaming.config.cache import CacheSettings
from streaming.config.database import DatabaseSettings
from streaming.config.events import EventSettings
from streaming.config.storage import StorageSettings
from streaming.config.tokens import TokenSettings
from streaming.config.user_service import UserServiceSettings
from streaming.config.variables import ConfigurationError

Read = Callable[[Mapping[str, str]], object]

# The readers of the variables, the variables with plaintext and with TLS, and the server's name.
SERVERS: dict[str, tuple[Read, dict[str, str], dict[str, str]]] = {
    "key_set": (
        TokenSettings.from_environment,
        {"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": "http://auth.example.com/jwks.json"},
        {"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": "https://auth.example.com/jwks.json"},
    ),
    "user_service": (
        UserServiceSettings.from_environment,
        {"USER_SERVICE_URL": "http://users.example.com"},
        {"USER_SERVICE_URL": "https://users.example.com"},
    ),
    "redis": (CacheSettings.from_environment, {}, {"REDIS_TLS": "true"}),
    "kafka": (EventSettings.from_environment, {}, {"KAFKA_SECURITY_PROTOCOL": "SSL"}),
    "s3": (
        StorageSettings.from_environment,
        {"S3_ENDPOINT_URL": "http://s3.example.com"},
        {"S3_ENDPOINT_URL": "https://s3.example.com"},
    ),
}
servers = pytest.mark.parametrize("server", SERVERS)


@servers
@pytest.mark.parametrize("name", ["prod", "PROD", "production", "live"])
def test_plaintext_is_refused_in_production(server: str, name: str) -> None:
    """Whatever production is called, plaintext is refused, also if it is allowed for another."""
    read, plaintext, tls = SERVERS[server]
    others = ",".join(SERVERS.keys() - {server})

    read({"ENVIRONMENT": name, **tls})
    for allowed in ("", others):
        with pytest.raises(ConfigurationError, match=f"ALLOW_PLAINTEXT.* {server}$"):
            read({"ENVIRONMENT": name, "ALLOW_PLAINTEXT": allowed, **plaintext})


@servers
def test_plaintext_is_allowed_by_name(server: str) -> None:
    """Plaintext is accepted for a server that is named."""
    read, plaintext, _ = SERVERS[server]

    assert read({"ENVIRONMENT": "prod", "ALLOW_PLAINTEXT": f"{server}, redis", **plaintext})


@servers
@pytest.mark.parametrize("name", ["local", "dev", "staging"])
def test_plaintext_elsewhere(server: str, name: str) -> None:
    """Outside production plaintext needs no permission."""
    read, plaintext, _ = SERVERS[server]

    assert read({"ENVIRONMENT": name, **plaintext})


@servers
def test_misspelt_permission(server: str) -> None:
    """An unknown server's name is rejected, because the permission would have no effect."""
    read, _, tls = SERVERS[server]

    with pytest.raises(ConfigurationError, match="ALLOW_PLAINTEXT names"):
        read({"ENVIRONMENT": "prod", "ALLOW_PLAINTEXT": "rediss", **tls})


@pytest.mark.parametrize(
    "url", ["users.example.com", "//users.example.com", "ftp://users.example.com", "https:users"]
)
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_addresses_that_are_none(url: str, name: str) -> None:
    """An address without http:// or https:// is rejected before any request."""
    with pytest.raises(ConfigurationError, match="USER_SERVICE_URL"):
        UserServiceSettings.from_environment({"ENVIRONMENT": name, "USER_SERVICE_URL": url})


def test_public_address_of_films() -> None:
    """URLs for players use TLS in production, too."""
    public = {"S3_PUBLIC_ENDPOINT_URL": "http://films.example.com"}
    with pytest.raises(ConfigurationError, match="S3_PUBLIC_ENDPOINT_URL"):
        StorageSettings.from_environment({"ENVIRONMENT": "prod", **public})


def test_kafka_that_is_off() -> None:
    """Without events their transport does not matter."""
    assert EventSettings.from_environment({"ENVIRONMENT": "prod", "ENABLE_KAFKA": "false"})


def test_database_says_whether_it_means_tls() -> None:
    """In production a URL without sslmode is rejected; with disable plaintext is explicit."""
    url = "postgresql://db.example.com/streaming"
    with pytest.raises(ConfigurationError, match="sslmode"):
        DatabaseSettings.from_environment({"ENVIRONMENT": "prod", "DATABASE_URL": url})
    for mode in ("verify-full", "disable"):
        said = f"{url}?sslmode={mode}"
        assert DatabaseSettings.from_environment({"ENVIRONMENT": "prod", "DATABASE_URL": said})
    assert DatabaseSettings.from_environment({"ENVIRONMENT": "dev", "DATABASE_URL": url})


@pytest.mark.parametrize(
    "tail",
    [
        "?sslmode=verify-full&sslmode=disable",
        "?sslmode=disable&sslmode=verify-full",
        "?sslmode=verify-full&sslrootcert=a.pem&sslrootcert=b.pem",
        "?sslmode=verify-full&sslmode=verify-full",
        "#?sslmode=verify-full",
    ],
)
@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_database_says_it_once(tail: str, name: str) -> None:
    """A parameter that is repeated, or after a #, disables nothing: the URL is rejected."""
    url = f"postgresql://db.example.com/streaming{tail}"
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        DatabaseSettings.from_environment({"ENVIRONMENT": name, "DATABASE_URL": url})


@pytest.mark.parametrize("file", ["", "/nowhere/authorities.pem"])
def test_authorities_that_are_not_there(file: str) -> None:
    """OpenSSL treats a missing file as an empty list of authorities, so it is rejected by name."""
    tls = {server: (read, variables) for server, (read, _, variables) in SERVERS.items()}
    url = "postgresql://db.example.com/streaming?sslmode=verify-full"
    tls["database"] = (DatabaseSettings.from_environment, {"DATABASE_URL": url})
    for read, variables in tls.values():
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            read({**variables, "SSL_CERT_FILE": file})


def test_authorities_that_are_there(tmp_path: Path) -> None:
    """The contents of a file are checked by OpenSSL."""
    file = tmp_path / "authorities.pem"
    file.touch()

    assert CacheSettings.from_environment({"REDIS_TLS": "true", "SSL_CERT_FILE": str(file)})


def test_redis_and_kafka_settings() -> None:
    """TLS, users and mechanisms reach the typed settings; an incomplete login is rejected."""
    redis = CacheSettings.from_environment({"REDIS_TLS": "true", "REDIS_PASSWORD": "p"})
    assert (redis.is_tls, redis.username, redis.password) == (True, None, "p")
    scram = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_USERNAME": "u",
        "KAFKA_PASSWORD": "p",
    }
    assert EventSettings.from_environment(scram).username == "u"
    iam = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"}
    assert EventSettings.from_environment(iam).username is None
    for wrong in (
        {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
        {"KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"},
        {**scram, "KAFKA_PASSWORD": ""},
    ):
        with pytest.raises(ConfigurationError):
            EventSettings.from_environment(wrong)
