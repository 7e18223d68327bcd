"""GET /api/v1/stream/{movie_id}/progress."""

from typing import Any

from shared import positions
from shared.http import Event, Problem, endpoint, logger, movie_of, tracer, user_of


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@endpoint
def handler(event: Event, context: Any) -> dict[str, Any]:
    """Return the saved position."""
    user_id, movie_id = user_of(event), movie_of(event)
    kept = positions.find_kept(user_id, movie_id)
    if kept is not None:
        return kept
    progress = positions.find(user_id, movie_id)
    if progress is None:
        raise Problem(404, "progress_not_found", "the user has not watched the film")
    positions.keep(progress)
    return progress
