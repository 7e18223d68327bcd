"""Plays a film with the four calls of a deployed API."""

import time
from dataclasses import dataclass
from uuid import UUID

from local import demo, film_upload
from local.stack import FILMS, Stack
from tests.conftest import set_subscription
from tests.deploy.deployment import Deployment
from tests.support.functions import Json, Response, new_viewer

POSITION = 5
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Played:
    """The responses of the four calls, and the user who made them."""

    user_id: UUID
    started: Response
    reported: Response
    known: Response
    stopped: Response

    @property
    def statuses(self) -> list[int]:
        """Their statuses, in the order of the calls."""
        calls = (self.started, self.reported, self.known, self.stopped)
        return [each.status for each in calls]


def play(deployment: Deployment, stack: Stack) -> Played:
    """Start the demo film as a new subscriber, report a position, look it up, and stop."""
    films = deployment.aws.client("s3")
    film_upload.upload_missing(FILMS, client=films, bucket=deployment.bucket)
    viewer = new_viewer(stack.token)
    set_subscription(stack, viewer.user_id)
    path = f"/api/v1/stream/{demo.DEMO_MOVIE_ID}"

    def call(method: str, path: str, body: Json | None = None) -> Response:
        """Call until a busy machine is in time for the limits of production."""
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = deployment.api.call(method, path, viewer.token, body)
            if answer.status != 503 or time.monotonic() > ends_at:
                return answer

    return Played(
        viewer.user_id,
        call("POST", path),
        call("POST", f"{path}/progress", {"position_seconds": POSITION}),
        call("GET", f"{path}/progress"),
        call("POST", f"{path}/stop", {"position_seconds": POSITION + 1}),
    )
