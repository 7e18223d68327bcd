"""Every committed event gets its response from the real function."""

import json
from pathlib import Path

import pytest

from local.stack import Stack
from tests.support.functions import EVENTS, ROOT, event, forget_environment, invoke, request
from tests.support.redis_of_stack import client_of

SECRET = "events-are-signed-with-this-and-nothing-else"
USER = "6f1c2a34-9b7e-4c1d-8a55-2d3e4f5a6b7c"

ANSWERS: dict[str, tuple[int, str | None]] = {
    "start": (200, None),
    "start_dash": (200, None),
    "start_without_body": (200, None),
    "start_base64_body": (200, None),
    "start_unknown_manifest_type": (422, "invalid_request"),
    "start_body_not_json": (400, "invalid_json"),
    "start_body_too_large": (413, "body_too_large"),
    "start_movie_id_no_uuid": (422, "invalid_request"),
    "start_movie_id_traversal": (422, "invalid_request"),
    "start_unknown_film": (404, "movie_not_found"),
    "start_idempotency_key_invalid": (422, "invalid_request"),
    "start_token_missing": (401, "token_missing"),
    "start_token_invalid": (401, "token_invalid"),
    "start_token_expired": (401, "token_expired"),
    "start_token_expired_in_cache": (401, "token_expired"),
    "start_without_authorizer": (401, "token_missing"),
    "progress": (200, None),
    "progress_unknown_session": (404, "session_not_found"),
    "progress_position_negative": (422, "invalid_request"),
    "progress_position_fractional": (422, "invalid_request"),
    "progress_position_huge": (422, "invalid_request"),
    "progress_position_missing": (422, "invalid_request"),
    "progress_position_text": (422, "invalid_request"),
    "progress_position_nan": (422, "invalid_request"),
    "progress_age_nan": (422, "invalid_request"),
    "progress_age_negative": (422, "invalid_request"),
    "progress_sequence_without_session": (422, "invalid_request"),
    "progress_lone_surrogate": (400, "invalid_json"),
    "progress_nul": (422, "invalid_request"),
    "progress_deep_nesting": (400, "invalid_json"),
    "progress_body_not_json": (400, "invalid_json"),
    "invalidate": (200, None),
    "invalidate_not_admin": (403, "forbidden"),
    "erase": (200, None),
    "erase_not_admin": (403, "forbidden"),
    "erase_user_id_no_uuid": (422, "invalid_request"),
    "stop": (200, None),
    "stop_position_missing": (422, "invalid_request"),
    "get_progress": (200, None),
    "get_continue_watching": (200, None),
    "get_remove": (204, None),
    "get_limit_too_large": (422, "invalid_request"),
    "insights_overview": (200, None),
    "insights_movies": (200, None),
    "insights_movies_csv": (200, None),
    "insights_movie": (200, None),
    "insights_concurrency": (200, None),
    "insights_from_after_to": (422, "invalid_request"),
    "insights_ten_years": (422, "invalid_request"),
    "insights_time_zone": (422, "invalid_request"),
    "insights_sort_injection": (422, "invalid_request"),
    "insights_not_acceptable": (406, "not_acceptable"),
    "insights_not_admin": (403, "forbidden"),
    "docs": (200, None),
    "docs_openapi": (200, None),
    "docs_health": (200, None),
}

IDENTITIES: dict[str, dict[str, object]] = {
    "authorizer": {"user_id": USER, "exp": 4102444800, "role": ""},
    "authorizer_title_case_header": {"user_id": USER, "exp": 4102444800, "role": ""},
    "authorizer_admin": {"user_id": USER, "exp": 4102444800, "role": "admin"},
    "authorizer_token_missing": {"token_problem": "token_missing"},
    "authorizer_not_bearer": {"token_problem": "token_missing"},
    "authorizer_token_garbled": {"token_problem": "token_invalid"},
    "authorizer_token_expired": {"token_problem": "token_expired"},
    "authorizer_token_foreign": {"token_problem": "token_invalid"},
    "authorizer_token_alg_none": {"token_problem": "token_invalid"},
    "authorizer_token_without_exp": {"token_problem": "token_invalid"},
    "authorizer_token_without_sub": {"token_problem": "token_invalid"},
    "authorizer_token_sub_no_uuid": {"token_problem": "token_invalid"},
}

# The results of functions without an HTTP route.
RESULTS: dict[str, set[str]] = {
    "housekeeping": {
        "abandoned",
        "relayed",
        "waiting",
        "renewed",
        "films checked",
        "expired",
        "forgotten",
        "dead letters forgotten",
    },
    "migrate": {"applied"},
    "subscription_changed": {"forgotten"},
    "analytics": {"events", "dead_letters"},
}


@pytest.fixture
def subscribed(environment: dict[str, str], stack: Stack) -> None:
    """The events' user has a subscription and a position."""
    subscription = json.dumps({"is_active": True, "plan_id": "premium", "expires_at": None})
    client_of(stack).set(f"subscription:{USER}", subscription, ex=60)
    request("progress", event("progress"))


def test_every_event_is_expected() -> None:
    """The tests cover every committed event."""
    names = {path.stem for path in EVENTS.glob("*.json")}

    assert names == {*ANSWERS, *IDENTITIES, *RESULTS}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(name: str, subscribed: None) -> None:
    """The event gets its status and code; a refusal is problem details with CORS headers."""
    status, code = ANSWERS[name]

    answer = request(name.partition("_")[0], event(name))

    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    if code is None:
        return
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.json["status"] == status
    assert set(answer.json) >= {"type", "title", "detail", "request_id"}
    assert answer.json["request_id"] == event(name)["requestContext"]["requestId"]
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "Traceback" not in answer.body


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authorizer returns the identity, or the token's error; it never denies."""
    monkeypatch.setenv("ENVIRONMENT", "local")
    monkeypatch.setenv("JWT_SECRET_KEY", f"a-new-secret-that-nothing-is-signed-with-yet,{SECRET}")
    forget_environment()

    answer = invoke("authorizer", event(name))

    assert answer["isAuthorized"] is True
    assert answer["context"].items() >= IDENTITIES[name].items()
    assert ("user_id" in answer["context"]) == ("user_id" in IDENTITIES[name])


def test_housekeeping(environment: dict[str, str]) -> None:
    """Housekeeping runs on its schedule's event."""
    assert invoke("housekeeping", event("housekeeping")).keys() == RESULTS["housekeeping"]


def test_analytics(environment: dict[str, str]) -> None:
    """A batch of Amazon MSK is counted but for the record that is no event; so is a repeat."""
    for _ in range(2):
        assert invoke("analytics", event("analytics")) == {"events": 4, "dead_letters": 1}


def test_migrate(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A migrated database does not change, however often it is migrated."""
    monkeypatch.setenv("MIGRATIONS_DIRECTORY", str(ROOT / "migrations"))

    assert invoke("migrate", event("migrate")) == {"applied": []}


def test_layer_without_migrations(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A layer that was built without its SQL files stops the deployment."""
    monkeypatch.setenv("MIGRATIONS_DIRECTORY", str(tmp_path))

    with pytest.raises(FileNotFoundError, match="there are no migrations in"):
        invoke("migrate", event("migrate"))


def test_docs_can_be_switched_off(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOCS_ENABLED=false disables the documentation but not the health check."""
    monkeypatch.setenv("DOCS_ENABLED", "false")
    forget_environment()

    assert request("docs", event("docs")).status == 404
    assert request("docs", event("docs_openapi")).status == 404
    assert request("docs", event("docs_health")).status == 200


def test_docs_are_compressed_for_those_who_accept_it(environment: dict[str, str]) -> None:
    """Without Accept-Encoding, as with curl, the response is plain text; gzip is smaller."""
    for name in ("docs", "docs_openapi"):
        asked = event(name)
        compressed = invoke("docs", asked)
        del asked["headers"]["accept-encoding"]
        plain = invoke("docs", asked)

        assert compressed["headers"]["Content-Encoding"] == "gzip"
        assert len(compressed["body"]) < len(plain["body"])
        assert "Content-Encoding" not in plain["headers"]
        assert request("docs", asked).body == request("docs", event(name)).body


def test_docs_show_the_committed_document(environment: dict[str, str]) -> None:
    """GET /openapi.json returns OpenAPI; GET /docs is a page that needs no other host."""
    assert request("docs", event("docs_openapi")).json["openapi"].startswith("3.")
    page = request("docs", event("docs"))
    assert page.headers["content-type"].startswith("text/html")
    assert "SwaggerUIBundle(" in page.body
    assert 'src="http' not in page.body
