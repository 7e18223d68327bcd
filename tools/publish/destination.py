"""The destination of films: the bucket, its S3 endpoint and the credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming.config.transport import check_authorities
from streaming.config.variables import ConfigurationError
from tools.local_stack import LocalStack
from tools.publish.errors import PublishError


@dataclass(frozen=True, slots=True)
class Destination:
    """A bucket and a boto3 client with write permission; `local` is set for the local stack's."""

    bucket: str
    client: Any
    local: LocalStack | None = None

    @property
    def endpoint(self) -> str:
        """The URL of the S3 endpoint."""
        return str(self.client.meta.endpoint_url)


def choose(
    environment: Mapping[str, str],
    *,
    bucket: str | None,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
) -> Destination:
    """Return the bucket of the options, else of the environment, else of the local stack.

    The credentials of a real bucket come from the AWS default credential chain. `S3_ACCESS_KEY` is
    not used: it signs URLs for players and may only read. Raises `PublishError` if there is no
    bucket or the configuration is invalid.
    """
    bucket = bucket or environment.get("S3_BUCKET_NAME")
    if bucket:
        region = region or environment.get("S3_REGION") or environment.get("AWS_REGION")
        endpoint_url = endpoint_url or environment.get("S3_ENDPOINT_URL")
        return Destination(bucket, _client(environment, endpoint_url, region, profile=profile))
    if endpoint_url or profile:
        raise PublishError("name the bucket: --bucket NAME, or S3_BUCKET_NAME in the environment")
    local = LocalStack.find(environment)
    if local is None:
        raise PublishError(
            "there is no bucket: start the local stack (make run), or name a bucket by --bucket "
            "or S3_BUCKET_NAME"
        )
    settings = local.settings
    client = _client(
        environment,
        settings["S3_ENDPOINT_URL"],
        settings["S3_REGION"],
        keys=local.upload_keys,
    )
    return Destination(settings["S3_BUCKET_NAME"], client, local)


def _client(
    environment: Mapping[str, str],
    endpoint_url: str | None,
    region: str | None,
    *,
    profile: str | None = None,
    keys: tuple[str | None, str | None] = (None, None),
) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        check_authorities(environment)
        session = boto3.Session(
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            region_name=region,
            profile_name=profile,
        )
        return session.client(
            "s3",
            endpoint_url=endpoint_url or None,
            region_name=session.region_name or "us-east-1",
            # The variable that ffmpeg, httpx and the functions read. botocore reads AWS_CA_BUNDLE.
            verify=environment.get("SSL_CERT_FILE") or True,
            config=Config(
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=60,
                retries={"total_max_attempts": 4, "mode": "standard"},
                max_pool_connections=16,
                s3={"addressing_style": "path" if endpoint_url else "virtual"},
            ),
        )
    except (BotoCoreError, ConfigurationError, ValueError) as error:
        raise PublishError(str(error)) from error
