"""The session module in another page, with a player that needs no library."""

import pytest

from tests.browser.conftest import Viewer
from tests.browser.player_page import PlayerPage

# The script of a page that imports the module.
SCRIPT = """async ([movieId, token]) => {
    const { StreamingSession } = await import('/web/streaming-session.js');
    const { NativePlayer } = await import('/web/players/native.js');
    const video = document.createElement('video');
    // In front of the player page's own, whose script goes on.
    document.body.prepend(video);
    if (!NativePlayer.playsHls(video)) return false;
    const session = new StreamingSession({ token, video, player: new NativePlayer(video) });
    await session.start(movieId);
    return true;
}"""


def test_the_browser_itself_plays(player: PlayerPage, viewer: Viewer, movie_id: str) -> None:
    """A browser with HLS support plays the signed manifest without a library, from the position."""
    report = {"position_seconds": 20}
    viewer.api.post(f"/stream/{movie_id}/progress", json=report).raise_for_status()

    if not player.page.evaluate(SCRIPT, [movie_id, viewer.token]):
        pytest.skip("this Chromium does not support HLS")

    player.wait_for_position(22)
    assert player.position < 40
    player.assert_clean()
