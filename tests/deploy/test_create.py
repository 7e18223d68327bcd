"""The first deployment of an environment, by the commands of docs/deploy.md."""

from pathlib import Path

import httpx

from local import demo, film_upload
from local.stack import FILMS, Stack
from tests.conftest import set_subscription
from tests.deploy import deployment
from tests.deploy.emulator.api import Api
from tests.deploy.emulator.aws import EmulatedAws
from tests.support.functions import new_viewer

MOVIE = demo.DEMO_MOVIE_ID


def test_a_created_stack_plays_a_film(
    used_aws: EmulatedAws, built: Path, stack: Stack, database_url: str, tmp_path: Path
) -> None:
    """`sam deploy --config-env dev` makes everything; start, progress, get and stop answer 200."""
    given = deployment.parameters(used_aws, stack, database_url)
    configuration = deployment.configuration(tmp_path, "dev", given)
    result = deployment.deploy(used_aws, built, configuration, "dev")
    assert result.returncode == 0, deployment.reasons(used_aws, "streaming-dev")
    film_upload.upload_missing(FILMS, client=used_aws.client("s3"), bucket="example-films-dev")
    viewer = new_viewer(stack.token)
    set_subscription(stack, viewer.user_id)
    api = Api(used_aws, "streaming-dev")
    path = f"/api/v1/stream/{MOVIE}"

    started = api.call("POST", path, viewer.token)
    reported = api.call("POST", f"{path}/progress", viewer.token, {"position_seconds": 5})
    known = api.call("GET", f"{path}/progress", viewer.token)
    stopped = api.call("POST", f"{path}/stop", viewer.token, {"position_seconds": 6})

    assert [each.status for each in (started, reported, known, stopped)] == [200] * 4
    assert known.json["position_seconds"] == 5
    assert "#EXTM3U" in httpx.get(started.json["manifest_url"]).text
