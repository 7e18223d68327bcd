"""The template's roles with the film bucket's requests, at an S3 that enforces IAM."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from streaming.config.storage import StorageSettings
from streaming.domain.errors import StorageUnavailable
from streaming.storage.bucket import FilmBucket
from tests.support.adapters import adapters_of
from tests.support.calls import COPY, MOVIE
from tests.support.functions import forget_environment
from tests.support.moto_server import assume_role, client, enforced_iam, url
from tests.support.stacks import Stack
from tests.support.templates import REGION, source

OTHER_BUCKET = "somebody-elses"
PRIVATE = "private/a"
FUNCTIONS = sorted(
    name
    for name, resource in source()["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
    and "streaming.storage.bucket" in adapters_of(resource["Properties"]["CodeUri"]).modules
)
# Calls of no function, with the function's credentials.
STRANGE: dict[str, Callable[[Any, str], object]] = {
    "delete a film": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=MOVIE),
    "delete a copy": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=COPY),
    "overwrite a film": lambda s3, bucket: s3.put_object(Bucket=bucket, Key=MOVIE, Body=b""),
    "read another prefix": lambda s3, bucket: s3.get_object(Bucket=bucket, Key=PRIVATE),
    "write another prefix": lambda s3, bucket: s3.put_object(Bucket=bucket, Key=PRIVATE, Body=b""),
    "read another bucket": lambda s3, bucket: s3.get_object(Bucket=OTHER_BUCKET, Key=MOVIE),
    "list another bucket": lambda s3, bucket: s3.list_objects_v2(Bucket=OTHER_BUCKET),
    "list all buckets": lambda s3, bucket: s3.list_buckets(),
    "publish the bucket": lambda s3, bucket: s3.put_bucket_policy(Bucket=bucket, Policy="{}"),
}


@pytest.fixture(scope="module", params=["s3", "direct"])
def made(request: pytest.FixtureRequest) -> Stack:
    """The resolved template, and its bucket with a film, a copy and a private object."""
    template = Stack({"Delivery": request.param})
    s3 = client("s3")
    for bucket in (template.parameters["BucketName"], OTHER_BUCKET):
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            where = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        for key in (MOVIE, COPY, PRIVATE):
            s3.put_object(Bucket=bucket, Key=key, Body=b"#EXTM3U")
    return template


@pytest.fixture(params=FUNCTIONS)
def function(request: pytest.FixtureRequest) -> str:
    """The name of a function."""
    return str(request.param)


@pytest.fixture
def session(made: Stack, function: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The variables of a session of the function's role, while IAM is enforced."""
    role = made.of_type("AWS::IAM::Role")[f"{function}Role"]
    for name, value in assume_role(role.get("Policies", [])).items():
        monkeypatch.setenv(name, value)
    # boto3's default session caches the first credentials that it finds.
    forget_environment()
    with enforced_iam():
        yield
    forget_environment()


def settings_of(made: Stack, function: str) -> StorageSettings:
    """Return the function's settings of the bucket, at moto's server."""
    variables = made.of_type("AWS::Lambda::Function")[function]["Environment"]["Variables"]
    environment = {name: str(value) for name, value in variables.items()}
    return StorageSettings.from_environment(
        {**environment, "S3_ENDPOINT_URL": url(), "S3_REGION": REGION}
    )


def test_functions_with_the_bucket() -> None:
    """The functions that publish or check films have the bucket."""
    assert FUNCTIONS == ["HousekeepingFunction", "InvalidateFunction", "StartFunction"]


def test_films_are_read_and_copies_written(made: Stack, function: str, session: None) -> None:
    """A function with the bucket reads and finds films, and writes copies if it publishes."""
    bucket = FilmBucket(settings_of(made, function))

    assert bucket.read(MOVIE, 100) == b"#EXTM3U"
    assert bucket.check_object_exists(MOVIE)
    assert not bucket.check_object_exists(f"{MOVIE}-missing")

    def write() -> None:
        bucket.write(COPY, b"", content_type="x/y", content_encoding="identity", max_age=1)

    if made.parameters["Delivery"] == "s3":
        write()
    else:
        with pytest.raises(StorageUnavailable):
            write()


def test_nothing_else_is_allowed(made: Stack, session: None) -> None:
    """S3 denies other prefixes and buckets, deleting and listing."""
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=url())
    for what, call in STRANGE.items():
        with pytest.raises(ClientError) as denied:
            call(s3, made.parameters["BucketName"])
        assert denied.value.response["Error"]["Code"] == "AccessDenied", what
