"""Settings of Kafka."""

from dataclasses import dataclass, field
from typing import Self

from streaming.config.transport import check_tls
from streaming.config.variables import ConfigurationError, Variables, flag, listed, required


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How to connect to Kafka."""

    bootstrap_servers: tuple[str, ...]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(repr=False, default=None)

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read ``ENABLE_KAFKA`` and the ``KAFKA_*`` variables.

        Raises ``ConfigurationError`` for a SASL mechanism without TLS or without credentials.
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
        is_tls = not cls.are_enabled(environment) or protocol != "PLAINTEXT"
        check_tls(environment, "KAFKA_SECURITY_PROTOCOL", "kafka", is_tls=is_tls)
        return cls(
            bootstrap_servers=listed(environment, "KAFKA_BOOTSTRAP_SERVERS") or ("localhost:9092",),
            security_protocol=protocol,
            sasl_mechanism=mechanism,
            username=required(environment, "KAFKA_USERNAME") if is_scram else None,
            password=required(environment, "KAFKA_PASSWORD") if is_scram else None,
        )

    @staticmethod
    def are_enabled(environment: Variables) -> bool:
        """Read ``ENABLE_KAFKA``."""
        return flag(environment, "ENABLE_KAFKA", default=True)

    @staticmethod
    def topic_prefix_of(environment: Variables) -> str:
        """Read ``KAFKA_TOPIC_PREFIX``."""
        return environment.get("KAFKA_TOPIC_PREFIX") or "stream"
