"""`python -m tools.publish` in a process, and what it leaves in the bucket."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from local.environment import BUCKET
from tools.publish.destination import Destination

ROOT = Path(__file__).parents[2]


def shell() -> dict[str, str]:
    """Return the environment variables of a developer's shell without a stack."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers/streaming/python'}",
    }


def publish(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "tools.publish", "--preset=ultrafast", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def objects(destination: Destination, movie_id: UUID | str) -> dict[str, bytes]:
    """Return all objects below a film's prefix."""
    client, prefix = destination.client, f"movies/{movie_id}/"
    listing = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    keys = [each["Key"] for each in listing.get("Contents", ())]
    return {
        key.removeprefix(prefix): client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        for key in keys
    }
