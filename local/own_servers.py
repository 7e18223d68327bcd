"""Servers of a developer's own, in place of the embedded ones.

Who has PostgreSQL, Redis, Kafka, an S3 such as MinIO, or a user service names it by the product's
own variable; what is missing in it (the bucket, topics, tables) is made, as in the embedded one.
"""

import contextlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.errors import LocalError
from local.servers.s3 import CORS, REGION, S3
from local.state import State

# Which variable names which server, and which others go with it.
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
    """The variables of a developer's own servers, by the names of the embedded ones."""

    variables: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "OwnServers":
        """Read which servers ``environment`` names. Raises ``LocalError`` for half of one."""
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
        """Tell whether this server is the developer's own."""
        return server in self.variables

    def all_variables(self) -> dict[str, str]:
        """Return what the functions see in place of the embedded servers' variables."""
        return {name: value for each in self.variables.values() for name, value in each.items()}

    def address(self, server: str) -> str:
        """Return what the developer has named the server by, without a password."""
        value = self.variables[server][_VARIABLES[server][0]]
        return value.rpartition("@")[2] if server == "postgres" else value


class OwnS3(S3):
    """An S3 of the developer's own, used as the embedded one is, but not started nor stopped."""

    def __init__(self, variables: Mapping[str, str], state: State, *, bucket: str) -> None:
        super().__init__(0, state, bucket=variables.get("S3_BUCKET_NAME", bucket))
        self._endpoint_url = variables["S3_ENDPOINT_URL"]
        self._region = variables.get("S3_REGION", REGION)
        self._keys = variables["S3_ACCESS_KEY"], variables["S3_SECRET_KEY"]

    @property
    def endpoint_url(self) -> str:
        """The address of the S3 API."""
        return self._endpoint_url

    def admin_client(self) -> Any:
        """Return a boto3 client with the developer's key."""
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
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=_SECONDS,
                read_timeout=20,
                request_checksum_calculation="when_required",
            ),
        )

    def prepare(self) -> None:
        """Create the bucket when it is not there, and let pages read it where the store can."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.admin_client()
        try:
            names = [each["Name"] for each in client.list_buckets()["Buckets"]]
            if self.bucket not in names:
                client.create_bucket(Bucket=self.bucket)
        except (BotoCoreError, ClientError) as error:
            raise LocalError(f"S3_ENDPOINT_URL={self.endpoint_url}: {error}") from None
        # MinIO has one rule for the whole server, which allows every page by default.
        with contextlib.suppress(ClientError):
            client.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [CORS]})


def require_redis(variables: Mapping[str, str]) -> None:
    """Raise ``LocalError`` when the developer's Redis does not answer."""
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
    """Create the topics that the developer's Kafka lacks. Raises ``LocalError``."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    servers = variables["KAFKA_BOOTSTRAP_SERVERS"]
    options: dict[str, Any] = {
        "security_protocol": variables.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
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
    """Raise ``LocalError`` when nobody listens where the developer's user service should be."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_SECONDS).close()
    except OSError as error:
        raise LocalError(f"USER_SERVICE_URL={url}: {error}") from None
