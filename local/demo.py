"""The demo user: a subscription, a token, and films to watch."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

from local.demo_catalogue import CATALOGUE
from local.demo_film import DEMO_FILMS
from local.files import write_privately

DEMO_USER_ID = "018f6a52-3c1e-7d4b-9a60-5b0c2d7e1fa1"
DEMO_MOVIE_ID = DEMO_FILMS[0].movie_id
TOKEN_DAYS = 7


def token_for(user_id: str, secret: str, **claims: Any) -> str:
    """Sign a token like the auth service, valid for TOKEN_DAYS unless `claims` set `exp`."""
    now = int(time.time())
    standard = {"sub": user_id, "iat": now, "exp": now + TOKEN_DAYS * 86400}
    return jwt.encode({**standard, **claims}, secret, algorithm="HS256")


def subscribe(path: Path) -> None:
    """Add a subscription of one year for the demo user, unless `path` already has one."""
    subscriptions = json.loads(path.read_text()) if path.exists() else {}
    if DEMO_USER_ID in subscriptions:
        return
    expires_at = datetime.now(UTC) + timedelta(days=365)
    subscriptions[DEMO_USER_ID] = {
        "is_active": True,
        "plan_id": "premium",
        "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "max_streams": None,
    }
    write_privately(path, json.dumps(subscriptions, indent=2))


def demo_document(
    token: str, published: Sequence[dict[str, Any]] = (), admin_token: str = ""
) -> dict[str, Any]:
    """Return the document of /local/demo for both pages: the demo films, then `published`.

    `admin_token` is that of the dashboard, `titles` has the films of `make demo-traffic`.
    """
    films = [
        {
            "movie_id": film.movie_id,
            "title": film.title,
            "manifest_types": list(film.manifest_types),
        }
        for film in DEMO_FILMS
    ]
    return {
        "films": [*films, *published],
        "token": token,
        "user_id": DEMO_USER_ID,
        "admin_token": admin_token,
        "titles": {film.movie_id: film.title for film in CATALOGUE},
    }


def published_films(path: Path) -> list[dict[str, Any]]:
    """Return the films other than the demo films in the player document `path`."""
    films = json.loads(path.read_text())["films"] if path.exists() else []
    demo_films = {film.movie_id for film in DEMO_FILMS}
    return [film for film in films if film["movie_id"] not in demo_films]


def list_film(path: Path, movie_id: str, title: str, manifest_types: Sequence[str]) -> None:
    """Add a film to the player document `path`, or replace its entry."""
    document = json.loads(path.read_text())
    film = {"movie_id": movie_id, "title": title, "manifest_types": list(manifest_types)}
    others = [each for each in document["films"] if each["movie_id"] != movie_id]
    write_privately(path, json.dumps({**document, "films": [*others, film]}, indent=2))
