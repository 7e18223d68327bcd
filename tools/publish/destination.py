"""Where films go: which bucket, at which S3, with whose key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.publish.errors import PublishError
from tools.publish.local_stack import LocalStack


@dataclass(frozen=True, slots=True)
class Destination:
    """A bucket and a boto3 client that may write to it; `local` when it is the local stack's."""

    bucket: str
    client: Any
    local: LocalStack | None = None

    @property
    def endpoint(self) -> str:
        """The address of its S3."""
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

    The keys of a real bucket are found as every AWS tool finds them. `S3_ACCESS_KEY`, which signs
    URLs for players, is not among them: it may only read. Raises `PublishError`.
    """
    bucket = bucket or environment.get("S3_BUCKET_NAME")
    if bucket:
        region = region or environment.get("S3_REGION") or environment.get("AWS_REGION")
        endpoint_url = endpoint_url or environment.get("S3_ENDPOINT_URL")
        return Destination(bucket, _client(environment, endpoint_url, region, profile=profile))
    if endpoint_url or profile:
        raise PublishError("say which bucket: --bucket NAME, or S3_BUCKET_NAME in the environment")
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
            # botocore alone has a variable of its own for an authority of one's own.
            verify=environment.get("AWS_CA_BUNDLE") or environment.get("SSL_CERT_FILE") or None,
            config=Config(
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=60,
                retries={"total_max_attempts": 4, "mode": "standard"},
                max_pool_connections=16,
                s3={"addressing_style": "path" if endpoint_url else "virtual"},
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise PublishError(str(error)) from error
