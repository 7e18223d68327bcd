"""The kind of device that a user agent names."""

import pytest

from streaming.domain.devices import Device, device_of

MOZILLA = "Mozilla/5.0 "


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (MOZILLA + "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0", "desktop"),
        (MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1", "desktop"),
        (MOZILLA + "(X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "desktop"),
        (MOZILLA + "(X11; CrOS x86_64 14541.0.0) Chrome/142.0 Safari/537.36", "desktop"),
        (MOZILLA + "(iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148", "mobile"),
        (MOZILLA + "(Linux; Android 15; Pixel 9) Chrome/142.0 Mobile Safari/537.36", "mobile"),
        ("ExoPlayerDemo/2.19 (Linux;Android 14) ExoPlayerLib/2.19", "mobile"),
        (MOZILLA + "(iPad; CPU OS 18_1 like Mac OS X) Mobile/15E148", "tablet"),
        (MOZILLA + "(Linux; Android 14; SM-X910) Chrome/142.0 Safari/537.36", "tablet"),
        (MOZILLA + "(SMART-TV; Linux; Tizen 7.0) Version/7.0 TV Safari/537.36", "tv"),
        (MOZILLA + "(Web0S; Linux/SmartTV) Chrome/108.0 Safari/537.36 WebAppManager", "tv"),
        (MOZILLA + "(Linux; Android 9; AFTMM) Chrome/108.0 Mobile Safari/537.36", "tv"),
        ("AppleTV14,1/17.0", "tv"),
        (MOZILLA + "(PlayStation; PlayStation 5/8.20) AppleWebKit/605.1.15", "tv"),
        ("curl/8.5.0", "other"),
        ("\u2603", "other"),
        ("", None),
        (None, None),
    ],
)
def test_device(user_agent: str | None, device: Device | None) -> None:
    """Real user agents get their kind; unknown ones are other devices."""
    assert device_of(user_agent) == device
