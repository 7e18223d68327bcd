"""The errors that the service answers with.

Each has an HTTP status, a stable ``code`` and, where a retry helps, the seconds to wait before it.
``streaming.api.http`` converts them to ``application/problem+json`` (RFC 9457).
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class StreamingError(Exception):
    """An error response. ``detail`` and ``members`` are shown to the caller."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retry_after_seconds: ClassVar[int | None] = None
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class InvalidJson(StreamingError):
    """The body is not JSON."""

    status = 400
    code = "invalid_json"
    title = "The body is not valid JSON"


class Unauthorized(StreamingError):
    """The request is not authenticated."""

    status = 401
    title = "Log in again"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class TokenMissing(Unauthorized):
    """There is no bearer token."""

    code = "token_missing"
    title = "A bearer token is required"


class TokenInvalid(Unauthorized):
    """The token is malformed, has an unknown signature, or lacks a claim."""

    code = "token_invalid"
    title = "The token is not valid"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class TokenExpired(Unauthorized):
    """The token has expired."""

    code = "token_expired"
    title = "The token has expired"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class SubscriptionRequired(StreamingError):
    """The user has no active subscription."""

    status = 403
    code = "subscription_required"
    title = "An active subscription is required"


class Forbidden(StreamingError):
    """The caller's role does not permit this request."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(StreamingError):
    """A resource that the request names does not exist."""

    status = 404


class MovieNotFound(NotFound):
    """The bucket does not contain this film in the requested manifest type."""

    code = "movie_not_found"
    title = "No such film"


class ProgressNotFound(NotFound):
    """The user has never watched the film."""

    code = "progress_not_found"
    title = "Never watched"


class SessionNotFound(NotFound):
    """The session does not exist or is not the caller's."""

    code = "session_not_found"
    title = "No such session"


class AnalyticsDisabled(NotFound):
    """What is watched is not counted in this deployment."""

    code = "analytics_disabled"
    title = "Analytics are disabled"


class NotAcceptable(StreamingError):
    """No media type of the ``Accept`` header is available."""

    status = 406
    code = "not_acceptable"
    title = "The requested media type is not available"


class RequestInProgress(StreamingError):
    """An earlier request with the same ``Idempotency-Key`` has not been answered yet."""

    status = 409
    code = "request_in_progress"
    title = "The same request is still running"
    retry_after_seconds = 1


class SessionEnded(StreamingError):
    """The session that was started with this ``Idempotency-Key`` has ended."""

    status = 409
    code = "session_ended"
    title = "The session of this Idempotency-Key has ended"


class BodyTooLarge(StreamingError):
    """The body exceeds the size limit."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"


class InvalidRequest(StreamingError):
    """A field, a parameter or the path has a value that is not allowed."""

    status = 422
    code = "invalid_request"
    title = "The request is not valid"


class IdempotencyKeyReused(StreamingError):
    """The same ``Idempotency-Key`` was sent with two different requests."""

    status = 422
    code = "idempotency_key_reused"
    title = "The Idempotency-Key stands for another request"


class FilmUnplayable(StreamingError):
    """The film's manifest in the bucket is invalid, or refers to objects outside the film."""

    status = 502
    code = "film_unplayable"
    title = "The film cannot be played"


class StreamLimitReached(StreamingError):
    """The user has the maximum number of concurrent streams; ``sessions`` lists them."""

    status = 429
    code = "stream_limit_reached"
    title = "Too many streams at once"
    # After this time, a player that has stopped reporting no longer counts.
    retry_after_seconds = 60


class Unavailable(StreamingError):
    """A dependency does not answer; a retry may succeed shortly."""

    status = 503
    retry_after_seconds = 2


class EntitlementUnavailable(Unavailable):
    """The user's subscription cannot be determined."""

    code = "entitlement_unavailable"
    title = "The subscription cannot be checked right now"


class StorageUnavailable(Unavailable):
    """S3 does not answer."""

    code = "storage_unavailable"
    title = "The film storage does not answer"


class StorageMisconfigured(StreamingError):
    """The bucket's region differs from the configured one, so S3 would reject every URL."""

    status = 500
    code = "storage_misconfigured"
    title = "The film storage is not configured right"


class CacheUnavailable(Unavailable):
    """Redis does not answer, and the request requires it."""

    code = "cache_unavailable"
    title = "The cache does not answer"


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer."""

    code = "database_unavailable"
    title = "The database does not answer"
