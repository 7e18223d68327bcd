"""The operations of the API, by path and method."""

from typing import Any

from streaming.api import response_models as responses
from streaming.api.request_models import PositionRequest, StartRequest
from streaming.domain import errors
from tools.openapi import reports
from tools.openapi.operations import operation

AUTHENTICATED = (errors.TokenMissing, errors.TokenInvalid, errors.TokenExpired)
BODY = (errors.InvalidJson, errors.BodyTooLarge)
RECORD = (errors.DatabaseUnavailable,)
_OF_REPORTS = (
    *AUTHENTICATED,
    *BODY,
    errors.InvalidRequest,
    errors.SessionNotFound,
    errors.MovieNotFound,
    *RECORD,
)


def paths() -> dict[str, Any]:
    """Return the operations by path and method."""
    film = "/api/v1/stream/{movie_id}"
    return {
        film: {
            "post": operation(
                "startStream",
                "Playback",
                "Start a film",
                "Checks the subscription, makes the film playable and opens a session.",
                answer=responses.Started,
                body=StartRequest,
                body_is_optional=True,
                of_film=True,
                parameters=[
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "Makes it safe to repeat a start whose response was lost: "
                        "for a day, the same key with the same request returns the same session. "
                        "If the session has ended, or has not reported for a minute while streams "
                        "are limited, the response is `session_ended`: start again with a new key.",
                        "schema": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 255,
                            "pattern": "^[!-~]+$",
                        },
                    }
                ],
                problems=(
                    *AUTHENTICATED,
                    *BODY,
                    errors.InvalidRequest,
                    errors.IdempotencyKeyReused,
                    errors.RequestInProgress,
                    errors.SessionEnded,
                    errors.SubscriptionRequired,
                    errors.StreamLimitReached,
                    errors.MovieNotFound,
                    errors.FilmUnplayable,
                    errors.EntitlementUnavailable,
                    errors.StorageMisconfigured,
                    errors.StorageUnavailable,
                    *RECORD,
                ),
            )
        },
        f"{film}/progress": {
            "post": operation(
                "reportProgress",
                "Playback",
                "Report the position",
                "Saves the player's position. Send it every ten seconds.",
                answer=responses.ProgressSaved,
                body=PositionRequest,
                of_film=True,
                problems=_OF_REPORTS,
            ),
            "get": operation(
                "findProgress",
                "Watching",
                "Look up the position",
                "Returns the viewer's last position in the film.",
                answer=responses.WatchProgress,
                of_film=True,
                problems=(
                    *AUTHENTICATED,
                    errors.InvalidRequest,
                    errors.ProgressNotFound,
                    *RECORD,
                ),
            ),
            "delete": operation(
                "removeProgress",
                "Watching",
                "Remove a film from the films to continue",
                "Removes the position, but keeps the record that the film was watched. The next "
                "report adds the film again.",
                of_film=True,
                problems=(*AUTHENTICATED, errors.InvalidRequest, *RECORD),
            ),
        },
        f"{film}/stop": {
            "post": operation(
                "stopStream",
                "Playback",
                "Stop a film",
                "Saves the final position and ends the session.",
                answer=responses.Stopped,
                body=PositionRequest,
                of_film=True,
                problems=_OF_REPORTS,
            )
        },
        f"{film}/invalidate": {
            "post": operation(
                "invalidateFilm",
                "Service",
                "Apply the replacement of a film",
                "Publishes the film's signed copies again. Requires the claim `role: admin`.",
                answer=responses.Invalidated,
                of_film=True,
                problems=(
                    *AUTHENTICATED,
                    errors.Forbidden,
                    errors.InvalidRequest,
                    errors.MovieNotFound,
                    errors.FilmUnplayable,
                    errors.StorageMisconfigured,
                    errors.StorageUnavailable,
                ),
            )
        },
        "/api/v1/stream/progress": {
            "get": operation(
                "continueWatching",
                "Watching",
                "List the films to continue",
                "Returns the films that were started and never completed, newest first.",
                answer=responses.ContinueWatching,
                parameters=[
                    {
                        "name": "limit",
                        "in": "query",
                        "description": "The maximum number of films.",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                    }
                ],
                problems=(*AUTHENTICATED, errors.InvalidRequest, *RECORD),
            )
        },
        "/api/v1/users/{user_id}/data": {
            "delete": operation(
                "eraseUser",
                "Service",
                "Erase a user's data",
                "Deletes the user's positions, sessions and unsent events, all of them or none. "
                "Events already in Kafka stay there. Requires the claim `role: admin`.",
                answer=responses.Erased,
                parameters=[
                    {
                        "name": "user_id",
                        "in": "path",
                        "required": True,
                        "description": "The user.",
                        "schema": {"type": "string", "format": "uuid"},
                    }
                ],
                problems=(
                    *AUTHENTICATED,
                    errors.Forbidden,
                    errors.InvalidRequest,
                    errors.CacheUnavailable,
                    *RECORD,
                ),
            )
        },
        **reports.paths(),
        "/health": {
            "get": operation(
                "health",
                "Service",
                "Check that the service is running",
                "Checks no dependency.",
                answer=responses.Health,
                needs_token=False,
            )
        },
    }
