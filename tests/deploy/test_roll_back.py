"""The manual roll-back of docs/rare-operations.md, with its own commands."""

import os
import re
import subprocess

from local.stack import Stack
from tests.deploy.deployment import TOOLS, Deployment
from tests.deploy.playing import play
from tests.support.functions import ROOT, Json
from tests.support.runbook import procedures

_RELEASE = re.compile(r"^Release (\w+) of", re.MULTILINE)
WATCHED = "streaming-dev-start"


def commands(**values: str) -> list[str]:
    """Return the blocks of the section with these values instead of the placeholders."""
    blocks = re.findall(r"```bash\n(.*?)```", procedures()["Roll back"], re.DOTALL)
    return [
        re.sub("|".join(values), lambda placeholder: values[placeholder[0]], block)
        for block in blocks
    ]


def bash(deployment: Deployment, block: str) -> str:
    """Run a block as an operator does; return its output."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env={
            "PATH": f"{TOOLS['aws'].parent}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            **deployment.aws.variables,
        },
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def archives(deployment: Deployment, configuration: Json) -> list[bytes]:
    """Return the layers of a function's version, whose numbers differ for equal contents."""
    layers = deployment.aws.functions.layers
    return [layers[each["Arn"]]["Data"] for each in configuration["Layers"]]


def test_roll_back(deployed: Deployment, stack: Stack) -> None:
    """The commands point every alias to the former version, without a share for another one.

    One function has the new version only as a canary, the others completely. The next deployment
    of the former artefacts takes effect, too.
    """
    former = deployed.served()
    released = deployed.with_layer("added", "ADDED = True\n").succeed(Deployment="AllAtOnce")
    new = deployed.served()
    assert all(former[name]["Version"] != each["Version"] for name, each in new.items())
    functions = deployed.aws.client("lambda")
    share = {"AdditionalVersionWeights": {new[WATCHED]["Version"]: 0.1}}
    version = former[WATCHED]["Version"]
    alias = {"FunctionName": WATCHED, "Name": "live"}
    functions.update_alias(**alias, FunctionVersion=version, RoutingConfig=share)
    ((release,), (before,)) = _RELEASE.findall(released), re.findall(r"after (\w+)", released)

    listing, roll_back = commands(STACK=deployed.stack_name, RELEASE=before)
    listed = bash(deployed, listing)
    bash(deployed, roll_back)

    assert release in listed
    assert before in listed
    assert deployed.served() == former
    for name in former:
        found = functions.get_alias(FunctionName=name, Name="live")
        assert not found.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    assert play(deployed, stack).statuses == [200] * 4

    deployed.succeed()

    for name, after in deployed.served().items():
        assert after["Version"] not in (former[name]["Version"], new[name]["Version"])
        assert archives(deployed, after) == archives(deployed, former[name])
