"""The first deployment of an environment, with the commands of docs/deploy.md."""

from pathlib import Path

import httpx

from local import demo, film_upload
from local.stack import FILMS, Stack
from tests.conftest import set_subscription
from tests.deploy.deployment import Deployment
from tests.deploy.emulator.aws import EmulatedAws
from tests.support.databases import empty_database
from tests.support.functions import new_viewer


def test_a_created_stack_plays_a_film(built: Path, stack: Stack, tmp_path: Path) -> None:
    """In an empty account, `make deploy` creates all resources; the four calls return 200."""
    with EmulatedAws(tmp_path) as aws, empty_database(stack) as database_url:
        deployment = Deployment(aws, stack, built, tmp_path, "dev")
        deployment.find_servers(database_url)
        printed = deployment.succeed()
        film_upload.upload_missing(FILMS, client=aws.client("s3"), bucket=deployment.bucket)
        viewer = new_viewer(stack.token)
        set_subscription(stack, viewer.user_id)
        path = f"/api/v1/stream/{demo.DEMO_MOVIE_ID}"
        api = deployment.api

        started = api.call("POST", path, viewer.token)
        reported = api.call("POST", f"{path}/progress", viewer.token, {"position_seconds": 5})
        known = api.call("GET", f"{path}/progress", viewer.token)
        stopped = api.call("POST", f"{path}/stop", viewer.token, {"position_seconds": 6})

        assert [each.status for each in (started, reported, known, stopped)] == [200] * 4
        assert known.json["position_seconds"] == 5
        assert "#EXTM3U" in httpx.get(started.json["manifest_url"]).text
        assert "ApiUrl: https://" in printed
