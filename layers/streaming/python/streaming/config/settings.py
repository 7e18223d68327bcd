"""What the environment variables say, as typed objects, one per adapter.

A function reads only the groups that it uses, so it needs only their variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from streaming.domain import clock

Environment = Mapping[str, str]

_KNOWN_SECRETS = frozenset(
    {
        "your-secret-key-change-in-production",
        "events-are-signed-with-this-and-nothing-else",
    }
)
_SHORTEST_SECRET_BYTES = 32
# AWS STS issues no session shorter than this, and none longer than 12 hours.
_SHORTEST_SESSION = timedelta(seconds=900)
_MAY_BE_PLAINTEXT = ("key_set", "user_service", "redis", "kafka", "s3")
# Anything else is taken for production, however it is spelt.
_NO_PRODUCTION = ("local", "dev", "staging", "")


class ConfigurationError(Exception):
    """An environment variable is missing or has a value that the service refuses."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How answers look."""

    cors_allow_origins: tuple[str, ...]
    docs_enabled: bool

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``CORS_ALLOW_ORIGIN``, a list with commas, and ``DOCS_ENABLED``."""
        return cls(
            cors_allow_origins=_list(environment, "CORS_ALLOW_ORIGIN") or ("*",),
            docs_enabled=_flag(environment, "DOCS_ENABLED", default=True),
        )


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How tokens are verified. Either ``secrets`` (HS256) or ``jwks_url`` is set."""

    algorithm: str
    secrets: tuple[str, ...] = field(repr=False)
    jwks_url: str | None
    issuer: str | None
    audience: str | None

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the ``JWT_*`` variables.

        Raises ``ConfigurationError`` for a missing key, for a key set in plaintext in production,
        and outside local runs for a secret that is published or shorter than 32 bytes (RFC 7518
        section 3.2).
        """
        algorithm = environment.get("JWT_ALGORITHM") or "HS256"
        settings = cls(
            algorithm=algorithm,
            secrets=_list(environment, "JWT_SECRET_KEY") if algorithm == "HS256" else (),
            jwks_url=environment.get("JWT_JWKS_URL") or None,
            issuer=environment.get("JWT_ISSUER") or None,
            audience=environment.get("JWT_AUDIENCE") or None,
        )
        if algorithm == "HS256":
            _check_secrets(settings.secrets, is_local=environment.get("ENVIRONMENT") == "local")
        elif algorithm not in ("RS256", "ES256", "EdDSA"):
            raise ConfigurationError(f"JWT_ALGORITHM {algorithm!r} is not supported")
        elif not settings.jwks_url:
            raise ConfigurationError(f"JWT_ALGORITHM {algorithm} needs JWT_JWKS_URL")
        else:
            _check_url(environment, "JWT_JWKS_URL", settings.jwks_url, "key_set")
        return settings


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """What URLs are signed with.

    ``expires_at`` is when a temporary key dies, if known; ``session_life`` is for how long one is
    trusted otherwise, from when it was first seen.
    """

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    expires_at: datetime | None
    session_life: timedelta = _SHORTEST_SESSION

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``S3_ACCESS_KEY`` and ``S3_SECRET_KEY``, else the function's own credentials.

        ``SIGNING_SESSION_SECONDS`` is for how long temporary ones of unknown life are trusted.

        A Lambda role's credentials are temporary, and URLs signed with them die with them.
        """
        if environment.get("S3_ACCESS_KEY"):
            prefix, key, token = "S3_", "S3_ACCESS_KEY", "S3_SESSION_TOKEN"
        else:
            prefix, key, token = "AWS_", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"
        secret = "S3_SECRET_KEY" if prefix == "S3_" else "AWS_SECRET_ACCESS_KEY"
        expires_at = environment.get(f"{prefix}CREDENTIAL_EXPIRATION")
        try:
            parsed = clock.parse_iso(expires_at) if expires_at else None
        except ValueError:
            raise ConfigurationError(f"{prefix}CREDENTIAL_EXPIRATION is not a time") from None
        return cls(
            access_key=_required(environment, key),
            secret_key=_required(environment, secret),
            session_token=environment.get(token) or None,
            expires_at=parsed,
            session_life=timedelta(
                seconds=_integer(environment, "SIGNING_SESSION_SECONDS", 900, 900, 43200)
            ),
        )


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where films lie and how they are delivered. Times are seconds."""

    bucket: str
    region: str
    endpoint_url: str | None
    public_endpoint_url: str | None
    signed_url_expiration: int
    delivery: str
    delivery_window: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the ``S3_*`` variables, ``SIGNED_URL_EXPIRATION`` and ``DELIVERY*``."""
        delivery = environment.get("DELIVERY") or "s3"
        if delivery not in ("s3", "direct"):
            raise ConfigurationError(f"DELIVERY {delivery!r} is neither s3 nor direct")
        endpoint_url = (environment.get("S3_ENDPOINT_URL") or "").rstrip("/") or None
        public = (environment.get("S3_PUBLIC_ENDPOINT_URL") or "").rstrip("/") or None
        for name, url in (("S3_ENDPOINT_URL", endpoint_url), ("S3_PUBLIC_ENDPOINT_URL", public)):
            if url:
                _check_url(environment, name, url, "s3")
        _check_authorities(environment)
        return cls(
            bucket=environment.get("S3_BUCKET_NAME") or "vod",
            region=environment.get("S3_REGION") or environment.get("AWS_REGION") or "us-east-1",
            endpoint_url=endpoint_url,
            public_endpoint_url=public or endpoint_url,
            signed_url_expiration=_integer(environment, "SIGNED_URL_EXPIRATION", 3600, 1, 604800),
            delivery=delivery,
            delivery_window=_integer(environment, "DELIVERY_WINDOW_SECONDS", 3600, 1, 86400),
        )


@dataclass(frozen=True, slots=True)
class UserServiceSettings:
    """Where subscriptions are known. Times are seconds."""

    url: str
    timeout: float
    grace: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``USER_SERVICE_URL``, ``USER_SERVICE_TIMEOUT``, ``SUBSCRIPTION_GRACE_SECONDS``."""
        url = _required(environment, "USER_SERVICE_URL").rstrip("/")
        _check_url(environment, "USER_SERVICE_URL", url, "user_service")
        return cls(
            url=url,
            timeout=_integer(environment, "USER_SERVICE_TIMEOUT", 5, 1, 20),
            grace=_integer(environment, "SUBSCRIPTION_GRACE_SECONDS", 900, 0, 86400),
        )


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How many streams a user may have at once whose subscription does not say; 0 is any number."""

    max_streams: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``MAX_CONCURRENT_STREAMS``."""
        return cls(max_streams=_integer(environment, "MAX_CONCURRENT_STREAMS", 0, 0, 1000))


@dataclass(frozen=True, slots=True)
class WatchingSettings:
    """From where on a film is offered to continue: seconds, or percent of it if that is less."""

    min_seconds: int
    min_percent: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the ``CONTINUE_WATCHING_*`` variables."""
        return cls(
            min_seconds=_integer(environment, "CONTINUE_WATCHING_MIN_SECONDS", 30, 0, 86400),
            min_percent=_integer(environment, "CONTINUE_WATCHING_MIN_PERCENT", 5, 0, 90),
        )


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where Redis is. Times are seconds."""

    host: str
    port: int
    progress_ttl: int
    subscription_ttl: int
    is_tls: bool = False
    username: str | None = None
    password: str | None = field(repr=False, default=None)
    is_cluster: bool = False

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the ``REDIS_*`` variables."""
        is_tls = _flag(environment, "REDIS_TLS", default=False)
        _check_tls(environment, "REDIS_TLS", "redis", is_tls=is_tls)
        return cls(
            host=environment.get("REDIS_HOST") or "localhost",
            port=_integer(environment, "REDIS_PORT", 6379, 1, 65535),
            progress_ttl=_integer(environment, "REDIS_PROGRESS_TTL", 86400, 1, 31536000),
            subscription_ttl=_integer(environment, "REDIS_SUBSCRIPTION_CACHE_TTL", 300, 1, 86400),
            is_tls=is_tls,
            username=environment.get("REDIS_USERNAME") or None,
            password=environment.get("REDIS_PASSWORD") or None,
            is_cluster=_flag(environment, "REDIS_CLUSTER", default=False),
        )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where PostgreSQL is."""

    url: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``DATABASE_URL``.

        Raises ``ConfigurationError`` for one that says anything twice, and for one that does not
        say in production whether it means TLS.
        """
        url = _required(environment, "DATABASE_URL")
        parts = urlsplit(url)
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        if parts.fragment or len(names) != len(set(names)):
            raise ConfigurationError("DATABASE_URL says something twice, or has a #")
        if "sslmode" not in names and _is_production(environment):
            raise ConfigurationError("DATABASE_URL has no sslmode: verify-full, or disable by name")
        _check_authorities(environment)
        return cls(url=url)


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """For how many days personal data is kept."""

    retention_days: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``PERSONAL_DATA_RETENTION_DAYS``."""
        return cls(
            retention_days=_integer(environment, "PERSONAL_DATA_RETENTION_DAYS", 30, 1, 3650)
        )


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Where events go."""

    enabled: bool
    bootstrap_servers: tuple[str, ...]
    topic_prefix: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(repr=False, default=None)

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read ``ENABLE_KAFKA`` and the ``KAFKA_*`` variables.

        Raises ``ConfigurationError`` for a mechanism without TLS or without its credentials.
        """
        protocol = environment.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT"
        mechanism = environment.get("KAFKA_SASL_MECHANISM") or None
        if protocol not in ("PLAINTEXT", "SSL", "SASL_SSL"):
            raise ConfigurationError(f"KAFKA_SECURITY_PROTOCOL {protocol!r} is not supported")
        if (protocol == "SASL_SSL") != (mechanism is not None):
            raise ConfigurationError("KAFKA_SASL_MECHANISM goes with SASL_SSL and nothing else")
        if mechanism not in (None, "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"):
            raise ConfigurationError(f"KAFKA_SASL_MECHANISM {mechanism!r} is not supported")
        is_scram = (mechanism or "").startswith("SCRAM")
        enabled = cls.are_enabled(environment)
        is_tls = not enabled or protocol != "PLAINTEXT"
        _check_tls(environment, "KAFKA_SECURITY_PROTOCOL", "kafka", is_tls=is_tls)
        return cls(
            enabled=enabled,
            bootstrap_servers=_list(environment, "KAFKA_BOOTSTRAP_SERVERS") or ("localhost:9092",),
            topic_prefix=cls.topic_prefix_of(environment),
            security_protocol=protocol,
            sasl_mechanism=mechanism,
            username=_required(environment, "KAFKA_USERNAME") if is_scram else None,
            password=_required(environment, "KAFKA_PASSWORD") if is_scram else None,
        )

    @staticmethod
    def are_enabled(environment: Environment) -> bool:
        """Read ``ENABLE_KAFKA``."""
        return _flag(environment, "ENABLE_KAFKA", default=True)

    @staticmethod
    def topic_prefix_of(environment: Environment) -> str:
        """Read ``KAFKA_TOPIC_PREFIX``."""
        return environment.get("KAFKA_TOPIC_PREFIX") or "stream"


def _check_secrets(secrets: tuple[str, ...], *, is_local: bool) -> None:
    if not secrets:
        raise ConfigurationError("JWT_ALGORITHM HS256 needs JWT_SECRET_KEY")
    for secret in secrets:
        if is_local:
            continue
        if secret in _KNOWN_SECRETS:
            raise ConfigurationError("JWT_SECRET_KEY is a published example secret")
        if len(secret.encode()) < _SHORTEST_SECRET_BYTES:
            raise ConfigurationError(
                f"JWT_SECRET_KEY is shorter than {_SHORTEST_SECRET_BYTES} bytes"
            )


def _check_url(environment: Environment, variable: str, url: str, server: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{variable} does not begin with https:// or http://, and a host")
    _check_tls(environment, variable, server, is_tls=parts.scheme == "https")


def _check_tls(environment: Environment, variable: str, server: str, *, is_tls: bool) -> None:
    """Raise unless production speaks TLS to ``server``, or ``ALLOW_PLAINTEXT`` names it."""
    allowed = _list(environment, "ALLOW_PLAINTEXT")
    if unknown := set(allowed).difference(_MAY_BE_PLAINTEXT):
        raise ConfigurationError(f"ALLOW_PLAINTEXT names {sorted(unknown)}: {_MAY_BE_PLAINTEXT}")
    if not is_tls and _is_production(environment) and server not in allowed:
        raise ConfigurationError(
            f"{variable} means plaintext, which ALLOW_PLAINTEXT does not allow for {server}"
        )
    _check_authorities(environment)


def _check_authorities(environment: Environment) -> None:
    """Raise for a file that OpenSSL would silently take for one without authorities."""
    file = environment.get("SSL_CERT_FILE")
    if file is not None and not Path(file).is_file():
        raise ConfigurationError(f"SSL_CERT_FILE is no file: {file!r}")


def _is_production(environment: Environment) -> bool:
    return environment.get("ENVIRONMENT", "").strip().lower() not in _NO_PRODUCTION


def _required(environment: Environment, name: str) -> str:
    value = environment.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value


def _list(environment: Environment, name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def _flag(environment: Environment, name: str, *, default: bool) -> bool:
    value = environment.get(name, "").strip().lower()
    if not value:
        return default
    if value not in ("true", "false", "1", "0"):
        raise ConfigurationError(f"{name} is neither true nor false: {value!r}")
    return value in ("true", "1")


def _integer(environment: Environment, name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise ConfigurationError(f"{name} is not a whole number: {text!r}") from None
    if not least <= value <= most:
        raise ConfigurationError(f"{name} is not between {least} and {most}: {value}")
    return value
