"""Plays a film with the four calls of a deployed API."""

from dataclasses import dataclass
from uuid import UUID

from local import demo, film_upload
from local.stack import FILMS, Stack
from tests.conftest import set_subscription
from tests.deploy.deployment import Deployment
from tests.support.functions import Json, Response, new_viewer
from tests.support.waiting import in_time

POSITION = 5


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
        return in_time(
            lambda: deployment.api.call(method, path, viewer.token, body),
            lambda response: response.status == 503,
        )

    return Played(
        viewer.user_id,
        call("POST", path),
        call("POST", f"{path}/progress", {"position_seconds": POSITION}),
        call("GET", f"{path}/progress"),
        call("POST", f"{path}/stop", {"position_seconds": POSITION + 1}),
    )
