"""The local user service keeps subscriptions, and verifies tokens."""

import json
import uuid
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from local.demo import DEMO_USER_ID
from local.stack import Stack
from tests.integration.local_stack.requests import request, subscription_of


def test_subscriptions_are_set_and_kept(stack: Stack) -> None:
    """A developer sets subscriptions, which persist when the user service restarts."""
    user_id = str(uuid.uuid4())
    subscription = {"is_active": True, "plan_id": "premium", "max_streams": 2}
    assert subscription_of(stack, stack.token(user_id))[0] == 404

    url = f"{stack.user_service.url}/local/subscriptions/{user_id}"
    assert request(url, method="PUT", body=json.dumps(subscription).encode())[0] == 200
    stack.user_service.restart()

    assert (200, subscription) == subscription_of(stack, stack.token(user_id))


def test_demo_user_has_paid(stack: Stack) -> None:
    """The printed token is valid for a start."""
    status, subscription = subscription_of(stack, stack.token(DEMO_USER_ID))

    assert (status, subscription["is_active"]) == (200, True)


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"sub": "nobody"}, {"sub": None}], ids=["expired", "no uuid", "no sub"]
)
def test_user_service_refuses_bad_tokens(stack: Stack, claims: dict[str, Any]) -> None:
    """The substitute verifies the token as the real service does."""
    token = stack.token(**{key: value for key, value in claims.items() if value is not None})
    if claims.get("sub", "") is None:
        token = token[:-4] + "AAAA"

    assert subscription_of(stack, token)[0] == 401


def test_user_service_answers_what_is_nested_deeply(stack: Stack) -> None:
    """A deeply nested token or document does not end the connection."""
    nested = b"[" * 3_000 + b"]" * 3_000
    token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (nested, b"{}", b"x"))
    url = f"{stack.user_service.url}/local/subscriptions/{uuid.uuid4()}"

    assert subscription_of(stack, token)[0] == 401
    # The maximum depth differs between versions of Python; a list is no subscription in any case.
    assert request(url, method="PUT", body=nested)[0] in (400, 422)
