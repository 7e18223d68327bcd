"""SAM gets what it needs of the environment, and nothing that functions must not get."""

import pytest

from tools.sam_process import environment


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """SAM's environment on the machine of a developer with an AWS account."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("DOCKER_HOST", "unix:///engine")
    return environment(
        access_key="key", secret_key="secret", region="eu-1", architecture="arm64", python="3.13"
    )


def test_a_real_account_stays_outside(surroundings: dict[str, str]) -> None:
    """Functions get the given role, not the developer's own."""
    assert surroundings["AWS_ACCESS_KEY_ID"] == "key"
    assert surroundings["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert surroundings["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert not {"production", "real"} & set(surroundings.values())


def test_makefiles_learn_the_target(surroundings: dict[str, str]) -> None:
    """Layers are built for the containers' architecture: SAM passes makefiles no parameters."""
    assert surroundings["ARCHITECTURE"] == "arm64"
    assert surroundings["RUNTIME_VERSION"] == "3.13"
    assert surroundings["DOCKER_HOST"] == "unix:///engine"
