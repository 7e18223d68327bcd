"""The services of docker-compose.yml, running on this machine as configured by .env.

Not part of every run, because they need Docker: `docker compose up`, then `pytest tests/compose`.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from kafka import KafkaAdminClient

from local import demo
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from tools import sam_environment

ROOT = Path(__file__).parents[2]
COPY, FILM, ELSEWHERE = "playback/0/movies/test.m3u8", "movies/test/index.m3u8", "private.txt"


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """The variables of .env, or of its example."""
    file = ROOT / ".env" if (ROOT / ".env").exists() else ROOT / ".env.example"
    return sam_environment.read(file.read_text(), os.environ)


def client(variables: dict[str, str], access_key: str, secret_key: str) -> Any:
    """Return an S3 client with one of the keys of the configuration."""
    return boto3.client(
        "s3",
        endpoint_url=variables["S3_PUBLIC_ENDPOINT_URL"],
        region_name=variables["S3_REGION"],
        aws_access_key_id=variables[access_key],
        aws_secret_access_key=variables[secret_key],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module")
def admin(variables: dict[str, str]) -> Iterator[Any]:
    """The administrator, after uploading an object to each part of the bucket."""
    administrator = client(variables, "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")
    for key in (COPY, FILM, ELSEWHERE):
        administrator.put_object(Bucket=variables["S3_BUCKET_NAME"], Key=key, Body=b"#EXTM3U")
    yield administrator
    for key in (COPY, FILM, ELSEWHERE):
        administrator.delete_object(Bucket=variables["S3_BUCKET_NAME"], Key=key)


@pytest.fixture
def signer(variables: dict[str, str], admin: Any) -> Any:
    """The user whose URLs players get."""
    return client(variables, "S3_ACCESS_KEY", "S3_SECRET_KEY")


@pytest.fixture
def service(variables: dict[str, str], admin: Any) -> Any:
    """The user of the functions."""
    return client(variables, "MINIO_SERVICE_ACCESS_KEY", "MINIO_SERVICE_SECRET_KEY")


def refused(call: Any, **arguments: Any) -> bool:
    """Return whether S3 denies a call on the bucket."""
    try:
        call(Bucket="vod", **arguments)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDenied")
    return False


@pytest.mark.parametrize("path", ["", f"/{FILM}", f"/{COPY}"])
def test_nobody_reads_without_a_signature(variables: dict[str, str], admin: Any, path: str) -> None:
    """The bucket is private."""
    bucket = f"{variables['S3_PUBLIC_ENDPOINT_URL']}/{variables['S3_BUCKET_NAME']}"

    assert httpx.get(bucket + path).status_code == 403


@pytest.mark.parametrize("key", [FILM, COPY])
def test_signed_urls_play_from_any_page(signer: Any, key: str) -> None:
    """URLs signed by the signer can be read, also by a page of another origin."""
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "vod", "Key": key})

    answer = httpx.get(url, headers={"Origin": "https://player.example.com"})

    assert (answer.status_code, answer.content) == (200, b"#EXTM3U")
    assert answer.headers["access-control-allow-origin"] in ("*", "https://player.example.com")


def test_the_signer_only_reads_films_and_copies(signer: Any) -> None:
    """A leaked signing key can neither change nor list anything."""
    assert refused(signer.get_object, Key=ELSEWHERE)
    assert refused(signer.put_object, Key=COPY, Body=b"")
    assert refused(signer.put_object, Key=FILM, Body=b"")
    assert refused(signer.delete_object, Key=FILM)
    assert refused(signer.list_objects_v2)


def test_the_functions_only_write_copies(service: Any) -> None:
    """A function reads films and copies, lists, and writes copies; it cannot delete."""
    service.put_object(Bucket="vod", Key=COPY, Body=b"#EXTM3U")

    assert service.get_object(Bucket="vod", Key=FILM)["Body"].read() == b"#EXTM3U"
    assert service.list_objects_v2(Bucket="vod", Prefix="movies/")["KeyCount"] > 0
    assert refused(service.get_object, Key=ELSEWHERE)
    assert refused(service.put_object, Key=FILM, Body=b"")
    assert refused(service.delete_object, Key=COPY)


def test_copies_expire(admin: Any) -> None:
    """There is one rule, regardless of how often the set-up ran."""
    (rule,) = admin.get_bucket_lifecycle_configuration(Bucket="vod")["Rules"]

    assert (rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) == ("playback/", 1)


def test_the_database_is_migrated(variables: dict[str, str]) -> None:
    """Every file of migrations/ is applied."""
    database = Database(DatabaseSettings(variables["DATABASE_URL"]))
    statement = "SELECT name FROM schema_migrations ORDER BY name"
    names = [row["name"] for row in database.run(lambda session: session.rows(statement))]
    database.close()

    assert names == sorted(path.name for path in (ROOT / "migrations").glob("*.sql"))


def test_the_topics_exist(variables: dict[str, str]) -> None:
    """A broker that does not create topics automatically has those of the service."""
    broker = KafkaAdminClient(bootstrap_servers=variables["KAFKA_BOOTSTRAP_SERVERS"])
    topics = set(broker.list_topics())
    broker.close()

    assert {f"stream.{action}" for action in ("start", "progress", "stop")} <= topics


def test_the_user_service_knows_who_pays(variables: dict[str, str]) -> None:
    """A subscription that a developer sets is returned to the bearer of a token."""
    user_id = f"018f6a52-3c1e-7d4b-9a60-{int(time.time()):012x}"
    token = demo.token_for(user_id, variables["JWT_SECRET_KEY"].split(",")[0])
    with httpx.Client(
        base_url=variables["USER_SERVICE_URL"], headers={"Authorization": f"Bearer {token}"}
    ) as users:
        assert users.get("/api/v1/subscriptions/current").status_code == 404
        users.put(f"/local/subscriptions/{user_id}", json={"is_active": True}).raise_for_status()
        assert users.get("/api/v1/subscriptions/current").json()["is_active"] is True
