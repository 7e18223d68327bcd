"""One device of a viewer: its calls, which it measures and whose answers it checks."""

import asyncio
from typing import Any

import httpx

from benchmarks.load.samples import Samples

OK = 200


class CallFailedError(Exception):
    """A call had another answer than the expected one; it is counted, and the viewer gives up."""


class Player:
    """Calls the API as one user plays one film.

    Args:
        client: Connections to the gateway, shared by all viewers.
        token: The user's token.
        movie_id: The film.
        samples: Gets the latency or the error of every call.
    """

    def __init__(
        self, client: httpx.AsyncClient, token: str, movie_id: str, samples: Samples
    ) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}
        self._film = f"/api/v1/stream/{movie_id}"
        self._samples = samples
        self._session = ""
        self._sequence = 0

    async def start(self, due: float, *, resumes_at: int) -> None:
        """Open a session, whose resume position has to be the last acknowledged one."""
        answer = await self._call("start", due, "POST", self._film, {"manifest_type": "hls"})
        self._require("start", "resume position", answer["resume_position_seconds"], resumes_at)
        self._session, self._sequence = answer["session_id"], 0

    async def report(self, due: float, position: int) -> None:
        """Report a position, which has to be the recorded one."""
        body = self._next(position)
        answer = await self._call("progress", due, "POST", f"{self._film}/progress", body)
        self._require("progress", "position", answer["position_seconds"], position)

    async def stop(self, due: float, position: int) -> None:
        """End the session at a position, which has to be the recorded one."""
        answer = await self._call("stop", due, "POST", f"{self._film}/stop", self._next(position))
        self._require("stop", "position", answer["position_seconds"], position)

    async def find(self, due: float, *, position: int) -> None:
        """Get the position, which has to be the last acknowledged one."""
        answer = await self._call("get", due, "GET", f"{self._film}/progress")
        self._require("get", "position", answer["position_seconds"], position)

    async def continue_watching(self, due: float) -> None:
        """Get the list of started films."""
        await self._call("continue", due, "GET", "/api/v1/stream/progress")

    def _next(self, position: int) -> dict[str, Any]:
        self._sequence += 1
        return {
            "position_seconds": position,
            "session_id": self._session,
            "sequence": self._sequence,
        }

    async def _call(
        self, call: str, due: float, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the answer. Its latency counts from ``due``, so that a delayed call is late."""
        try:
            response = await self._client.request(method, path, headers=self._headers, json=body)
        except httpx.HTTPError as error:
            self._samples.fail(call, type(error).__name__)
            raise CallFailedError from error
        if response.status_code != OK:
            self._samples.fail(call, f"status {response.status_code}")
            raise CallFailedError
        self._samples.add(call, asyncio.get_running_loop().time() - due)
        answer: dict[str, Any] = response.json()
        return answer

    def _require(self, call: str, what: str, found: object, expected: object) -> None:
        if found != expected:
            self._samples.fail(call, f"wrong {what}")
            raise CallFailedError
