"""GET /api/v1/analytics/...: reports of what was watched, as JSON or CSV."""

import os

from streaming.access.identity import Identity
from streaming.api import reports
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response
from streaming.composition.environment import Environment
from streaming.domain import clock

ENVIRONMENT = Environment(os.environ, preload=["report_viewing"])
REPORTS = {
    "GET /api/v1/analytics/overview": reports.overview,
    "GET /api/v1/analytics/movies": reports.films,
    "GET /api/v1/analytics/movies/{movie_id}": reports.film,
    "GET /api/v1/analytics/concurrency": reports.concurrency,
}


@http_handler(ENVIRONMENT, budget_seconds=7.5, for_admins=True)
def handler(request: Request, _caller: Identity, environment: Environment) -> Response:
    """Return the report that the path names."""
    return REPORTS[request.route](request, environment.report_viewing, clock.now())
