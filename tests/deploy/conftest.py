"""The emulated AWS, and what `make build` makes for this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.deploy import deployment
from tests.deploy.emulator.aws import REGION, EmulatedAws
from tests.support.databases import empty_database


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefacts, as `make build` makes them."""
    if "BUILT" in os.environ:
        return Path(os.environ["BUILT"])
    return deployment.build(tmp_path_factory.mktemp("built") / "build")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[EmulatedAws]:
    """An account in which there is nothing."""
    folder = tmp_path / "aws"
    folder.mkdir()
    with EmulatedAws(folder) as aws:
        yield aws


@pytest.fixture
def used_aws(aws: EmulatedAws) -> EmulatedAws:
    """An account in which SAM has its bucket, whose making takes a quarter of a minute."""
    location = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket="sam-bucket", CreateBucketConfiguration=location)
    tags = {"ManagedStackSource": "AwsSamCli"}
    aws.cloudformation.have("aws-sam-cli-managed-default", {"SourceBucket": "sam-bucket"}, tags)
    return aws


@pytest.fixture
def database_url(stack: Stack) -> Iterator[str]:
    """A database without a table."""
    with empty_database(stack) as url:
        yield url
