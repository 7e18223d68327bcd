"""The first deployment of an environment, with the commands of docs/deploy.md."""

from pathlib import Path

import httpx

from local.stack import Stack
from tests.deploy.deployment import Deployment, account
from tests.deploy.emulator.aws import EmulatedAws
from tests.deploy.playing import POSITION, play
from tests.support.databases import empty_database


def test_a_created_stack_plays_a_film(built: Path, stack: Stack, tmp_path: Path) -> None:
    """In an empty account, `make deploy` creates all resources; the four calls return 200."""
    with EmulatedAws(tmp_path) as aws, empty_database(stack) as database_url:
        deployment = Deployment(aws, stack, built, tmp_path, "dev")
        deployment.find_servers(database_url)
        printed = deployment.succeed()
        played = play(deployment, stack)

        assert played.statuses == [200] * 4
        assert played.known.json["position_seconds"] == POSITION
        assert "#EXTM3U" in httpx.get(played.started.json["manifest_url"]).text
        assert "ApiUrl: https://" in printed


def test_a_planned_stack_is_created(built: Path, stack: Stack, tmp_path: Path) -> None:
    """`PLAN=1` creates no resource of a new stack, also the second time; then it is created."""
    with account(tmp_path) as aws, empty_database(stack) as database_url:
        deployment = Deployment(aws, stack, built, tmp_path, "dev")
        deployment.find_servers(database_url)
        for _ in range(2):
            assert "StartFunctionAliaslive" in deployment.succeed("PLAN=1")
            assert deployment.status == "REVIEW_IN_PROGRESS"
            assert aws.functions.versions == {}

        deployment.succeed()

        assert deployment.status == "CREATE_COMPLETE"
        assert deployment.api.call("GET", "/health").status == 200
