"""The developer's own servers, used instead of the embedded ones.

The product's environment variables select them: PostgreSQL, Redis, Kafka, an S3 such as MinIO, or a
user service. The bucket, topics and tables that a server lacks are created, as in the embedded one.
"""

import contextlib
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.errors import LocalError
from local.servers.s3 import CORS, REGION, S3
from local.state import State

# The variables of each server; the first one selects the server.
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "s3": (
        *("S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL", "S3_BUCKET_NAME", "S3_REGION"),
        *("S3_ACCESS_KEY", "S3_SECRET_KEY"),
    ),
    "postgres": ("DATABASE_URL",),
    "redis": (
        *("REDIS_HOST", "REDIS_PORT", "REDIS_TLS", "REDIS_CLUSTER"),
        *("REDIS_USERNAME", "REDIS_PASSWORD"),
    ),
    "kafka": (
        *("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"),
        *("KAFKA_USERNAME", "KAFKA_PASSWORD"),
    ),
    "user_service": (
        *("USER_SERVICE_URL", "JWT_SECRET_KEY", "JWT_ALGORITHM", "JWT_JWKS_URL"),
        *("JWT_ISSUER", "JWT_AUDIENCE"),
    ),
}
_SECONDS = 5


@dataclass(frozen=True)
class OwnServers:
    """The variables of the developer's own servers, by the name of the server they replace."""

    variables: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "OwnServers":
        """Read the servers from ``environment``. Raises ``LocalError`` for an S3 without keys."""
        found = {
            server: {name: environment[name] for name in names if environment.get(name)}
            for server, names in _VARIABLES.items()
            if environment.get(names[0])
        }
        s3 = found.get("s3")
        if s3 is not None:
            missing = {"S3_ACCESS_KEY", "S3_SECRET_KEY"} - set(s3)
            if missing:
                raise LocalError(f"S3_ENDPOINT_URL needs {' and '.join(sorted(missing))}")
            s3.setdefault("S3_PUBLIC_ENDPOINT_URL", s3["S3_ENDPOINT_URL"])
            s3["AWS_ACCESS_KEY_ID"] = s3["S3_ACCESS_KEY"]
            s3["AWS_SECRET_ACCESS_KEY"] = s3["S3_SECRET_KEY"]
        return cls(found)

    def __contains__(self, server: str) -> bool:
        """Return whether this server is the developer's own."""
        return server in self.variables

    def all_variables(self) -> dict[str, str]:
        """Return the variables that replace those of the embedded servers."""
        return {name: value for each in self.variables.values() for name, value in each.items()}

    def address(self, server: str) -> str:
        """Return the developer's address of the server, without a password."""
        value = self.variables[server][_VARIABLES[server][0]]
        return value.rpartition("@")[2] if server == "postgres" else value


class OwnS3(S3):
    """The developer's own S3, used like the embedded one, but neither started nor stopped."""

    def __init__(self, variables: Mapping[str, str], state: State, *, bucket: str) -> None:
        super().__init__(0, state, bucket=variables.get("S3_BUCKET_NAME", bucket))
        self._endpoint_url = variables["S3_ENDPOINT_URL"]
        self._region = variables.get("S3_REGION", REGION)
        self._keys = variables["S3_ACCESS_KEY"], variables["S3_SECRET_KEY"]

    @property
    def endpoint_url(self) -> str:
        """The address of the S3 API."""
        return self._endpoint_url

    @cached_property
    def admin_client(self) -> Any:
        """A boto3 client with the developer's key."""
        return self.client(*self._keys)

    def client(self, access_key: str, secret_key: str) -> Any:
        """Return a boto3 client for a key."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self._region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            # As in the functions. botocore reads AWS_CA_BUNDLE.
            verify=os.environ.get("SSL_CERT_FILE") or True,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=_SECONDS,
                read_timeout=20,
                request_checksum_calculation="when_required",
            ),
        )

    def prepare(self) -> None:
        """Create the bucket if it is missing, and set its CORS rule if the store supports that.

        Raises ``LocalError`` if the store cannot be reached or refuses the bucket.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.admin_client
        try:
            names = [each["Name"] for each in client.list_buckets()["Buckets"]]
            if self.bucket not in names:
                client.create_bucket(Bucket=self.bucket)
        except (BotoCoreError, ClientError) as error:
            raise LocalError(f"S3_ENDPOINT_URL={self.endpoint_url}: {error}") from None
        # MinIO has one CORS rule for the whole server, which allows every origin by default.
        with contextlib.suppress(ClientError):
            client.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [CORS]})


def require_redis(variables: Mapping[str, str]) -> None:
    """Raise ``LocalError`` if the developer's Redis does not answer."""
    from redis import Redis, RedisError

    client = Redis(
        host=variables["REDIS_HOST"],
        port=int(variables.get("REDIS_PORT", 6379)),
        ssl=variables.get("REDIS_TLS") == "true",
        username=variables.get("REDIS_USERNAME"),
        password=variables.get("REDIS_PASSWORD"),
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
    )
    try:
        client.ping()
    except (RedisError, OSError) as error:
        raise LocalError(f"REDIS_HOST={variables['REDIS_HOST']}: {error}") from None
    finally:
        client.close()


def create_topics(variables: Mapping[str, str], topics: Sequence[str]) -> None:
    """Create the topics that the developer's Kafka lacks. Raises ``LocalError`` if that fails."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    servers = variables["KAFKA_BOOTSTRAP_SERVERS"]
    options: dict[str, Any] = {
        "security_protocol": variables.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
        "bootstrap_timeout_ms": 1000 * _SECONDS,
    }
    if variables.get("KAFKA_SASL_MECHANISM"):
        options |= {
            "sasl_mechanism": variables["KAFKA_SASL_MECHANISM"],
            "sasl_plain_username": variables.get("KAFKA_USERNAME"),
            "sasl_plain_password": variables.get("KAFKA_PASSWORD"),
        }
    try:
        client = KafkaAdminClient(bootstrap_servers=servers.split(","), **options)
        try:
            for topic in sorted(set(topics) - set(client.list_topics())):
                with contextlib.suppress(TopicAlreadyExistsError):
                    client.create_topics({topic: {"num_partitions": 3, "replication_factor": -1}})
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        raise LocalError(f"KAFKA_BOOTSTRAP_SERVERS={servers}: {error}") from None


def require_user_service(url: str) -> None:
    """Raise ``LocalError`` if the developer's user service accepts no connection."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_SECONDS).close()
    except OSError as error:
        raise LocalError(f"USER_SERVICE_URL={url}: {error}") from None
