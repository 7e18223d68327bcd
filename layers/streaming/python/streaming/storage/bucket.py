"""The film bucket: reads manifests, writes their signed copies."""

from collections.abc import Callable
from typing import Any, TypeVar

import boto3
import httpx
from aws_lambda_powertools.logging import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from streaming.config.storage import StorageSettings
from streaming.domain.errors import StorageMisconfigured, StorageUnavailable
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.deadline import DeadlineExceeded, allowance, within
from streaming.storage.content_encoding import decoded
from streaming.storage.errors import (
    BucketElsewhere,
    ObjectNameRefused,
    ObjectNotFound,
    ObjectTooLarge,
    ObjectUnreadable,
)
from streaming.storage.transport import StorageWire

logger = Logger(child=True)

_OPERATION_SECONDS = 8.0
# Reserved from the deadline, to report a failure of S3 to other waiting requests and the caller.
_RESERVED_SECONDS = 0.2
_PAUSE_SECONDS = 2.0
# Time-outs below this budget do not open the breaker.
_FAIR_SECONDS = 0.5
_MISSING = ("404", "NoSuchKey", "NotFound")

# The error codes of status 400 that concern the object's name.
_REFUSED_NAMES = (
    "InvalidArgument",
    "InvalidObjectName",
    "InvalidURI",
    "KeyTooLongError",
    "XMinioInvalidObjectName",
    "XMinioInvalidResourceName",
)

# The object is in an archive storage class (Glacier) and must be restored before it can be read.
_ARCHIVED = "InvalidObjectState"

_UNAVAILABLE = (BotoCoreError, ClientError, httpx.HTTPError, OSError)

Result = TypeVar("Result")


class FilmBucket:
    """Objects of one bucket, by key.

    Every method raises ``StorageUnavailable``, and ``StorageMisconfigured`` if the bucket is in
    another region. An operation is tried twice. After an operation without an answer, further
    operations are skipped for two seconds.
    """

    def __init__(self, settings: StorageSettings) -> None:
        self._bucket = settings.bucket
        self._breaker = CircuitBreaker(_PAUSE_SECONDS)
        self._s3: Any = boto3.client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            config=Config(
                # botocore's retries sleep regardless of the deadline.
                retries={"total_max_attempts": 1, "mode": "standard"},
                signature_version="s3v4",
                # Over TLS botocore would add a checksum as a trailer: a chunked body that also has
                # a Content-Length, which RFC 9112 (6.2) forbids and strict servers reject.
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path" if settings.endpoint_url else "virtual"},
            ),
        )
        self._wire = StorageWire(settings.region)
        self._s3.meta.events.register("before-send.s3", self._wire)

    def read(self, key: str, largest: int) -> bytes:
        """Return the object's bytes, decompressed according to its ``Content-Encoding``.

        Raises ``ObjectNotFound``, ``ObjectNameRefused``, ``ObjectUnreadable``, and
        ``ObjectTooLarge`` if it has more than ``largest`` bytes.
        """

        def read_object() -> tuple[bytes, str | None]:
            response = self._s3.get_object(Bucket=self._bucket, Key=key)
            with response["Body"] as body:
                if response["ContentLength"] > largest:
                    raise ObjectTooLarge(f"{key} has {response['ContentLength']} bytes")
                return body.read(), response.get("ContentEncoding")

        body, content_encoding = self._attempt("read", key, read_object)
        return decoded(body, content_encoding, largest)

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Put ``body`` under ``key``; players may cache it for ``max_age`` seconds.

        Raises ``ObjectNameRefused``.
        """
        self._attempt(
            "write",
            key,
            lambda: self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ContentEncoding=content_encoding,
                CacheControl=f"private, max-age={max_age}",
            ),
        )

    def check_object_exists(self, key: str) -> bool:
        """Return whether the bucket has an object ``key``. Raises ``ObjectNameRefused``."""
        try:
            self._attempt("check", key, lambda: self._s3.head_object(Bucket=self._bucket, Key=key))
        except ObjectNotFound:
            return False
        return True

    def _attempt(self, operation: str, key: str, call: Callable[[], Result]) -> Result:
        if self._breaker.is_open:
            raise StorageUnavailable("the film storage did not answer a moment ago")
        seconds = _seconds_left()
        try:
            with within(seconds):
                result = _tried_twice(call, seconds / 2)
        except BucketElsewhere as error:
            logger.exception(
                "S3_REGION is not the bucket's", **emit_dependency_failure("s3", operation, error)
            )
            raise StorageMisconfigured("the film storage is not configured right") from error
        except _UNAVAILABLE as error:
            raise self._translated(error, operation, key, seconds) from error
        self._breaker.record_success()
        return result

    def _translated(self, error: Exception, operation: str, key: str, seconds: float) -> Exception:
        if _code(error) in _MISSING:
            return ObjectNotFound(key)
        if _code(error) in _REFUSED_NAMES:
            return ObjectNameRefused(f"the store refuses the name {key[:200]!r}")
        if _code(error) == _ARCHIVED:
            return ObjectUnreadable(f"{key[:200]!r} is archived")
        logger.warning("S3 does not answer", **emit_dependency_failure("s3", operation, error))
        if not isinstance(error, ClientError) and seconds > _FAIR_SECONDS:
            self._breaker.record_failure()
        return StorageUnavailable("the film storage does not answer")


def _seconds_left() -> float:
    try:
        seconds = allowance(_OPERATION_SECONDS + _RESERVED_SECONDS) - _RESERVED_SECONDS
    except DeadlineExceeded:
        seconds = 0.0
    if seconds <= 0:
        raise StorageUnavailable("there is no time left for the film storage")
    return seconds


def _tried_twice(call: Callable[[], Result], first_seconds: float) -> Result:
    try:
        with within(first_seconds):
            return call()
    except _UNAVAILABLE as error:
        if not _may_pass(error):
            raise
    return call()


def _may_pass(error: Exception) -> bool:
    """Return whether a retry may succeed: S3 did not answer, or answered with a server error."""
    if not isinstance(error, ClientError):
        return True
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= httpx.codes.INTERNAL_SERVER_ERROR


def _code(error: Exception) -> str | None:
    return error.response["Error"].get("Code") if isinstance(error, ClientError) else None
