"""The check through the service: starts the film like a player, and plays its manifest."""

from dataclasses import dataclass
from typing import Any

import httpx

from tools.publish.errors import PublishError

MANIFEST_TYPES = ("hls", "dash")


class StillFormerPublication(PublishError):
    """The service still plays the former publication, until its time window ends."""


@dataclass(frozen=True, slots=True)
class Service:
    """The API, and the token of a user with a subscription; `admin_token` may invalidate films."""

    api_url: str
    token: str
    admin_token: str | None = None

    def invalidate(self, movie_id: str) -> None:
        """Request the invalidation of the film; a refusal is ignored.

        Raises `PublishError` if the service does not answer.
        """
        self._post(f"{movie_id}/invalidate", self.admin_token or self.token)

    def manifest_url(self, movie_id: str, manifest_type: str, version: str) -> str:
        """Start the film and return the URL of its manifest; the session is stopped again.

        Raises `PublishError` if the service does not start it, and `StillFormerPublication` if the
        manifest is not that of `version`.
        """
        started = self._post(movie_id, self.token, {"manifest_type": manifest_type})
        if started.status_code != httpx.codes.OK:
            raise PublishError(f"the service does not start the film: {_problem(started)}")
        answer = started.json()
        # Stopped at its end, so that the checked film is not among the films to continue.
        end = answer["duration_seconds"] or 0
        ended = {"position_seconds": end, "session_id": answer["session_id"]}
        self._post(f"{movie_id}/stop", self.token, ended)
        url = str(answer["manifest_url"])
        try:
            manifest = httpx.get(url, timeout=30)
        except httpx.HTTPError as error:
            raise PublishError(f"its manifest cannot be read: {error!r}") from error
        if manifest.status_code != httpx.codes.OK:
            raise PublishError(f"its manifest cannot be read: S3 answers {manifest.status_code}")
        if version not in manifest.text:
            raise StillFormerPublication("the service still plays the former publication")
        return url

    def _post(self, path: str, token: str, body: dict[str, Any] | None = None) -> httpx.Response:
        url = f"{self.api_url.rstrip('/')}/api/v1/stream/{path}"
        try:
            return httpx.post(
                url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PublishError(f"the service at {self.api_url} does not answer: {error}") from error


def _problem(response: httpx.Response) -> str:
    try:
        problem = response.json()
        return f"{response.status_code} {problem['code']}: {problem.get('detail', '')}"
    except (ValueError, KeyError, TypeError):
        return str(response.status_code)
