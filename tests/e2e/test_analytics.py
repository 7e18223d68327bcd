"""The local product counts what is watched, and reports it."""

from typing import Any
from uuid import uuid4

import httpx

from local import demo
from local.stack import Stack
from tests.conftest import set_subscription
from tests.support.waiting import eventually


def test_what_is_watched_is_reported(stack: Stack) -> None:
    """A film that is played through the API appears in the reports, through Kafka."""
    user_id = uuid4()
    set_subscription(stack, user_id)
    film = f"/api/v1/stream/{demo.DEMO_MOVIE_ID}"
    agent = "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0)"
    viewer = httpx.Client(
        base_url=stack.api_url,
        headers={"Authorization": f"Bearer {stack.token(str(user_id))}", "User-Agent": agent},
        timeout=60,
    )
    admin = httpx.Client(
        base_url=stack.api_url,
        headers={"Authorization": f"Bearer {stack.token(str(uuid4()), role='admin')}"},
        timeout=60,
    )

    def report() -> dict[str, Any]:
        answer = admin.get(f"/api/v1/analytics/movies/{demo.DEMO_MOVIE_ID}")
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    with viewer, admin:
        before = report()["total"]["sessions"]
        televisions = report()["devices"].get("tv", 0)
        session_id = viewer.post(film, json={"manifest_type": "dash"}).json()["session_id"]
        for sequence in range(1, 4):
            body = {"position_seconds": sequence, "session_id": session_id, "sequence": sequence}
            assert viewer.post(f"{film}/progress", json=body).status_code == 200
        viewer.post(f"{film}/stop", json={"position_seconds": 4, "session_id": session_id})
        found = eventually(lambda: report() if report()["total"]["sessions"] > before else None)
        assert found["devices"]["tv"] == televisions + 1
        refused = viewer.get("/api/v1/analytics/overview")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        table = admin.get("/api/v1/analytics/movies", headers={"Accept": "text/csv"})
        assert table.headers["content-type"].startswith("text/csv")
        assert demo.DEMO_MOVIE_ID in table.text
