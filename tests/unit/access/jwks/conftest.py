"""An auth service whose keys the functions use."""

from collections.abc import Iterator

import pytest

from tests.support.functions import forget_environment
from tests.unit.access.jwks.auth_service import AuthService, running


@pytest.fixture
def auth_service() -> Iterator[AuthService]:
    """An auth service."""
    with running(AuthService()) as server:
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, auth_service: AuthService) -> None:
    """Functions of a deployment that verifies by key set."""
    monkeypatch.setenv("JWT_JWKS_URL", auth_service.url)
    monkeypatch.setenv("JWT_ALGORITHM", "RS256")
    monkeypatch.delenv("JWT_SECRET_KEY", raising=False)
    forget_environment()
