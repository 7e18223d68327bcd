"""The permissions of the GitHub workflows, and the code that runs with them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
INSTALLING = ("make ", "pip ", "npm ", "apt", "uv ", "go ")


def jobs_of(workflow: Path) -> dict[str, Any]:
    """Return the jobs of a workflow."""
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    return jobs


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_who_may_deploy_installs_nothing(workflow: Path) -> None:
    """A job that may request a token runs no package: neither an installation nor a build."""
    for job in jobs_of(workflow).values():
        if job.get("permissions", {}).get("id-token") != "write" or "uses" in job:
            continue
        for step in job["steps"]:
            lines = [line.strip() for line in step.get("run", "").splitlines()]
            assert not [line for line in lines if line.startswith(INSTALLING)]
            assert "setup-" not in step.get("uses", "")


def test_what_is_deployed_was_built_in_a_job_that_may_not() -> None:
    """The deployment uses the artefact of a build whose job may only read the repository."""
    jobs = jobs_of(ROOT / ".github" / "workflows" / "deploy-environment.yml")

    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["deploy"]["needs"] == "build"
    uploaded = [s["with"] for s in jobs["build"]["steps"] if "upload-artifact" in s.get("uses", "")]
    taken = [s["with"] for s in jobs["deploy"]["steps"] if "download-artifact" in s.get("uses", "")]
    assert [each["name"] for each in uploaded] == [each["name"] for each in taken]
    assert [each["path"] for each in uploaded] == [each["path"] for each in taken]
