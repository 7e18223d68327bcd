"""The bucket is private, and its keys may do no more than those in AWS."""

import contextlib
import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.stack import Stack
from tests.integration.local_stack.conftest import COPY, ELSEWHERE, SEGMENT
from tests.integration.local_stack.requests import refusal, request, signed_url


@pytest.mark.parametrize("key", [SEGMENT, COPY, ELSEWHERE, "movies/a/missing.ts", ""])
def test_unsigned_get_is_refused(stack: Stack, key: str) -> None:
    """Without a signature nothing of the bucket is visible, not even whether an object exists."""
    status, _, _ = request(f"{stack.s3.endpoint_url}/{stack.s3.bucket}/{key}")

    assert status == 403


@pytest.mark.parametrize("key", [SEGMENT, COPY])
def test_signed_url_plays(stack: Stack, signer: Any, key: str) -> None:
    """A URL of the signer supports ranges, from any page, with the headers that players read."""
    url = signed_url(stack, signer, key)
    headers = {"Range": "bytes=2-4", "Origin": "https://player.example"}

    status, body, answer = request(url, headers=headers)

    assert (status, body) == (206, b"234")
    assert "Content-Range" in answer["Access-Control-Expose-Headers"]
    assert answer["Access-Control-Allow-Origin"] in ("*", "https://player.example")
    assert answer["Access-Control-Allow-Credentials"] is None


def test_signer_reads_films_only(stack: Stack, signer: Any) -> None:
    """A leaked signing key allows no listing, nothing outside the films, and no write."""
    bucket = stack.s3.bucket
    attempts: list[Callable[[], Any]] = [
        lambda: signer.get_object(Bucket=bucket, Key=ELSEWHERE),
        lambda: signer.list_objects_v2(Bucket=bucket),
        lambda: signer.list_objects_v2(Bucket=bucket, Prefix="movies/"),
        lambda: signer.put_object(Bucket=bucket, Key=SEGMENT, Body=b"x"),
        lambda: signer.put_object(Bucket=bucket, Key=COPY, Body=b"x"),
        lambda: signer.delete_object(Bucket=bucket, Key=SEGMENT),
        lambda: signer.put_object_acl(Bucket=bucket, Key=SEGMENT, ACL="public-read"),
        lambda: signer.create_bucket(Bucket="mine"),
    ]

    assert ["AccessDenied"] * len(attempts) == [refusal(attempt) for attempt in attempts]
    assert request(signed_url(stack, signer, ELSEWHERE))[0] == 403


def test_service_writes_copies_only(stack: Stack, service: Any) -> None:
    """The functions publish signed copies and look films up; they cannot change a film."""
    bucket = stack.s3.bucket
    service.put_object(Bucket=bucket, Key="playback/2/index.m3u8", Body=b"#EXTM3U")

    assert service.get_object(Bucket=bucket, Key=SEGMENT)["ContentLength"] == 10
    assert service.list_objects_v2(Bucket=bucket, Prefix="movies/a/")["KeyCount"] == 1
    assert refusal(lambda: service.head_object(Bucket=bucket, Key="movies/a/none")) == "404"
    attempts: list[Callable[[], Any]] = [
        lambda: service.put_object(Bucket=bucket, Key=SEGMENT, Body=b"x"),
        lambda: service.delete_object(Bucket=bucket, Key=SEGMENT),
        lambda: service.get_object(Bucket=bucket, Key=ELSEWHERE),
    ]
    assert ["AccessDenied"] * len(attempts) == [refusal(attempt) for attempt in attempts]


def test_own_key_in_the_shell_gives_no_rights(
    stack: Stack, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the environment of S3's process does not become an administrator."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, stack.environment[name])

    stack.s3.restart()

    film = {"Bucket": stack.s3.bucket, "Key": SEGMENT}
    assert refusal(lambda: service.put_object(**film, Body=b"")) == "AccessDenied"


def test_a_key_that_may_only_read_never_writes_after_a_restart(
    stack: Stack, signer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first response of a restarted S3 on, the signer's key cannot write.

    That key is in the environment of the restart, where SeaweedFS would make it an administrator.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", stack.environment["S3_ACCESS_KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", stack.environment["S3_SECRET_KEY"])
    film = {"Bucket": stack.s3.bucket, "Key": SEGMENT}
    url = signer.generate_presigned_url("put_object", Params=film)

    def write() -> int:
        return request(url, method="PUT", body=b"x")[0]

    answers = [write()]
    with ThreadPoolExecutor(1) as pool:
        restart = pool.submit(stack.s3.restart)
        while not restart.done():
            # No server listens, or it closes the connection.
            with contextlib.suppress(OSError, http.client.HTTPException):
                answers.append(write())
        restart.result()
    answers.append(write())

    assert (answers[0], answers[-1]) == (403, 403)
    assert not [each for each in answers if each < 400], answers
