"""Two environments in one account and region."""

from pathlib import Path

from local.stack import Stack
from tests.deploy.deployment import Deployment
from tests.support.databases import empty_database


def test_staging_beside_dev(
    deployed: Deployment, stack: Stack, built: Path, tmp_path: Path
) -> None:
    """A second environment is created, runs, and is deleted without affecting the first."""
    before = deployed.served()
    with empty_database(stack) as database_url:
        staging = Deployment(deployed.aws, stack, built, tmp_path, "staging")
        staging.find_servers(database_url)
        staging.succeed()
        assert staging.api.call("GET", "/health").status == 200
        assert len(staging.served()) == len(before)

        staging.aws_command("cloudformation", "delete-stack", "--stack-name", "streaming-staging")
        staging.aws.cloudformation.wait()
        assert staging.status == "DELETE_COMPLETE"
        assert staging.served() == {}

    assert before == deployed.served()
    assert deployed.api.call("GET", "/health").status == 200
