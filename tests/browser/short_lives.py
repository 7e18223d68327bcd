"""Limits the validity of every URL of a film to seconds, by the storage's own clock."""

from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Response, Route

from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey
from tests.browser.player_page import PlayerPage

# Slightly above the bit rate of the lower rendition, so the player cannot buffer the whole film.
BYTES_PER_SECOND = 150_000


class ShortLives:
    """Signs the page's requests as if its last start had signed them for a few seconds only.

    The service signs URLs for longer than the film, so watching alone never uses an expired one.
    """

    def __init__(self, document: dict[str, str], player: PlayerPage, seconds: int) -> None:
        self._seconds = seconds
        self._signed_at = datetime.now(UTC)
        self._prefix = f"/{document['S3_BUCKET_NAME']}/"
        self._signer = S3Signer(
            SigningKey(document["S3_ACCESS_KEY"], document["S3_SECRET_KEY"]),
            region=document["S3_REGION"],
            bucket=document["S3_BUCKET_NAME"],
            endpoint_url=document["S3_PUBLIC_ENDPOINT_URL"],
            addressing="path",
        )
        player.page.on("response", self._answered)
        player.page.route(f"{player.storage_url}/**", self._shorten)
        network = player.page.context.new_cdp_session(player.page)
        throughput = {"downloadThroughput": BYTES_PER_SECOND, "uploadThroughput": -1}
        network.send(
            "Network.emulateNetworkConditions", {"offline": False, "latency": 0, **throughput}
        )

    def _answered(self, response: Response) -> None:
        request = response.request
        if request.method == "POST" and "manifest_type" in (request.post_data or ""):
            self._signed_at = datetime.now(UTC)

    def _shorten(self, route: Route) -> None:
        key = unquote(urlsplit(route.request.url).path).removeprefix(self._prefix)
        url = self._signer.generate_signed_url(
            key, expires_in=self._seconds, signed_at=self._signed_at
        )
        route.continue_(url=url)
