"""URLs signed with temporary credentials last no longer than these."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from streaming.domain import clock
from tests.support.functions import Viewer, forget_environment
from tests.support.moto_server import assume_role
from tests.support.role_credentials import role_credentials

# The variables of a session that signs URLs, by those of a session of the role.
SIGNING_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "S3_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY": "S3_SECRET_KEY",
    "AWS_SESSION_TOKEN": "S3_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION": "S3_CREDENTIAL_EXPIRATION",
}


@pytest.mark.parametrize(("left", "honest"), [(600, 600), (86400, 3600), (None, 900)])
def test_temporary_credentials(
    viewer: Viewer,
    film: UUID,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    left: int | None,
    honest: int,
) -> None:
    """With temporary credentials `expires_in` is their lifetime, and the log says so."""
    monkeypatch.setenv("S3_SESSION_TOKEN", "a-session-token")
    if left is not None:
        expires_at = clock.iso(clock.now() + timedelta(seconds=left))
        monkeypatch.setenv("S3_CREDENTIAL_EXPIRATION", expires_at)
    forget_environment()

    answer = viewer.start(film).json

    query = parse_qs(urlsplit(answer["manifest_url"]).query)
    assert answer["expires_in"] == pytest.approx(honest, abs=2)
    assert query["X-Amz-Expires"] == [str(answer["expires_in"])]
    assert query["X-Amz-Security-Token"] == ["a-session-token"]
    assert "temporary credentials" in caplog.text


def let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the service's clock forward."""
    later = clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(clock, "now", lambda: later)


@pytest.mark.parametrize(("variable", "life"), [("", 900), ("1800", 1800)])
@pytest.mark.parametrize("delivery", ["s3", "direct"])
def test_temporary_credentials_of_unknown_life(
    viewer: Viewer,
    film: UUID,
    monkeypatch: pytest.MonkeyPatch,
    delivery: str,
    variable: str,
    life: int,
) -> None:
    """Their lifetime counts from when they were first seen, once; afterwards they sign nothing."""
    monkeypatch.setenv("S3_SESSION_TOKEN", "a-session-token")
    monkeypatch.setenv("SIGNING_SESSION_SECONDS", variable)
    monkeypatch.setenv("DELIVERY", delivery)
    forget_environment()

    assert viewer.start(film).json["expires_in"] == pytest.approx(life, abs=5)
    let_time_pass(monkeypatch, life - 200)
    assert viewer.start(film).json["expires_in"] == pytest.approx(200, abs=5)
    let_time_pass(monkeypatch, 200)

    for _ in range(2):
        answer = viewer.start(film)
        assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")


def test_credentials_that_have_expired(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expired credentials sign nothing."""
    monkeypatch.setenv("S3_SESSION_TOKEN", "a-session-token")
    monkeypatch.setenv("S3_CREDENTIAL_EXPIRATION", clock.iso(clock.now() - timedelta(seconds=1)))
    forget_environment()

    assert viewer.start(film).status == 503


def test_environment_restored_from_a_snapshot(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without its own key a function signs with its role's sessions, within their lifetime."""
    # The local S3 does not support sessions, so S3's client gets another key.
    file = tmp_path / "credentials"
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    file.write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key={secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("DELIVERY", "direct")
    for name in ("S3_ACCESS_KEY", "S3_SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    # The second is requested after 3360 s on the service's clock.
    first, second = assume_role(seconds=3600), assume_role(seconds=3360 + 3600)
    with role_credentials(first) as server:
        for name, value in server.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SIGNED_URL_EXPIRATION", "7200")
        forget_environment()

        answers = [viewer.start(film)]
        server.session = second
        let_time_pass(monkeypatch, 60)
        answers.append(viewer.start(film))
        let_time_pass(monkeypatch, 3300)
        answers.append(viewer.start(film))
    let_time_pass(monkeypatch, 3400)
    answers.append(viewer.start(film))
    let_time_pass(monkeypatch, 300)
    dead = viewer.start(film)

    signed_by = [
        parse_qs(urlsplit(each.json["manifest_url"]).query)["X-Amz-Credential"][0].split("/")[0]
        for each in answers
    ]
    keys = [each["AWS_ACCESS_KEY_ID"] for each in (first, second)]
    assert signed_by == [keys[0], keys[0], keys[1], keys[1]]
    lives = [each.json["expires_in"] for each in answers]
    assert lives == pytest.approx([3600, 3540, 3600, 200], abs=5)
    assert (dead.status, dead.json["code"]) == (503, "storage_unavailable")


@pytest.mark.parametrize("delivery", ["s3", "direct"])
def test_session_of_sts(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch, delivery: str
) -> None:
    """URLs signed with an STS session expire with it at the latest, and `expires_in` says so."""
    session = assume_role(seconds=900)
    for name, value in session.items():
        monkeypatch.setenv(SIGNING_VARIABLES[name], value)
    monkeypatch.setenv("DELIVERY", delivery)
    forget_environment()

    answer = viewer.start(film).json

    query = parse_qs(urlsplit(answer["manifest_url"]).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
    life = timedelta(seconds=int(query["X-Amz-Expires"][0]))
    assert signed_at + life <= datetime.fromisoformat(session["AWS_CREDENTIAL_EXPIRATION"])
    assert answer["expires_in"] == pytest.approx(900, abs=5)
    assert query["X-Amz-Security-Token"] == [session["AWS_SESSION_TOKEN"]]
