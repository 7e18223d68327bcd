"""The network and the servers of the data plane."""

import re
from pathlib import Path

from tests.deploy import deployment
from tests.support.functions import ROOT


def test_data_plane(tmp_path: Path) -> None:
    """The command of docs/deploy.md creates it, and its deletion keeps the secrets."""
    text = " ".join((ROOT / "docs" / "deploy.md").read_text("utf-8").split())
    (command,) = re.findall(r"`(aws cloudformation deploy [^`]*)`", text)
    with deployment.account(tmp_path) as aws:
        done = deployment.aws_command(aws, *command.split()[1:])
        stack = aws.cloudformation.stacks["streaming-data"]
        assert done.returncode == 0, stack.reasons()
        assert stack.status == "CREATE_COMPLETE"
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.outputs}
        assert len(outputs["SubnetIds"].split(",")) == 3
        assert all(outputs.values())

        deployment.aws_command(
            aws, "cloudformation", "delete-stack", "--stack-name", "streaming-data"
        )
        aws.cloudformation.wait()
        assert stack.status == "DELETE_COMPLETE"
        assert len(aws.client("secretsmanager").list_secrets()["SecretList"]) == 2
