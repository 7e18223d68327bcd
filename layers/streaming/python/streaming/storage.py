"""The film bucket: reads manifests, writes their signed copies."""

from typing import Any

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from streaming.errors import StorageUnavailable
from streaming.metrics import dependency_failure
from streaming.settings import StorageSettings
from streaming.storage_errors import ObjectNotFound, ObjectTooLarge

logger = Logger(child=True)

_CONNECT_SECONDS = 1.0
_READ_SECONDS = 2.0
_CONNECTIONS = 16
_MISSING = ("404", "NoSuchKey", "NotFound")


class FilmBucket:
    """Objects of one bucket, by key. Every method raises ``StorageUnavailable``."""

    def __init__(self, settings: StorageSettings) -> None:
        self._bucket = settings.bucket
        self._s3: Any = boto3.client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": 2, "mode": "standard"},
                max_pool_connections=_CONNECTIONS,
                signature_version="s3v4",
                s3={"addressing_style": "path" if settings.endpoint_url else "virtual"},
            ),
        )

    def read(self, key: str, largest: int) -> bytes:
        """Return the object's bytes.

        Raises ``ObjectNotFound``, and ``ObjectTooLarge`` when it has more than ``largest`` bytes.
        """
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=key)
            with response["Body"] as body:
                if response["ContentLength"] > largest:
                    raise ObjectTooLarge(f"{key} has {response['ContentLength']} bytes")
                data: bytes = body.read()
        except (BotoCoreError, ClientError, OSError) as error:
            raise _translated(error, "read", key) from error
        return data

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Put ``body`` under ``key``; players may keep it for ``max_age`` seconds."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ContentEncoding=content_encoding,
                CacheControl=f"private, max-age={max_age}",
            )
        except (BotoCoreError, ClientError, OSError) as error:
            raise _translated(error, "write", key) from error

    def check_object_exists(self, key: str) -> bool:
        """Tell whether the bucket holds an object under ``key``."""
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except (BotoCoreError, ClientError, OSError) as error:
            translated = _translated(error, "check", key)
            if isinstance(translated, ObjectNotFound):
                return False
            raise translated from error
        return True


def _translated(error: Exception, operation: str, key: str) -> Exception:
    if isinstance(error, ClientError) and error.response["Error"].get("Code") in _MISSING:
        return ObjectNotFound(key)
    logger.warning("S3 does not answer", **dependency_failure("s3", operation, error))
    return StorageUnavailable("the film storage does not answer")
