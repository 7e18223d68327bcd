"""The kind of device that a user agent names."""

from typing import Literal

Device = Literal["desktop", "mobile", "tablet", "tv", "other"]

# The first match counts: televisions and tablets also name the systems of phones.
_WORDS: tuple[tuple[Device, tuple[str, ...]], ...] = (
    (
        "tv",
        (
            "smart-tv", "smarttv", "hbbtv", "appletv", "apple tv", "tvos", "android tv",
            "google tv", "tizen", "web0s", "webos", "netcast", "roku", "; aft", "fire tv",
            "bravia", "viera", "crkey", "playstation", "xbox",
        ),
    ),
    ("tablet", ("ipad", "tablet", "kindle", "silk/", "playbook")),
    ("mobile", ("iphone", "ipod", "mobile", "okhttp", "exoplayer", "dalvik", "cfnetwork")),
    ("tablet", ("android",)),
    ("desktop", ("windows", "macintosh", "mac os x", "x11", "linux", "cros")),
)  # fmt: skip


def device_of(user_agent: str | None) -> Device | None:
    """Return the kind of device; None without a user agent.

    An Android browser that does not say "Mobile" is that of a tablet.
    """
    if not user_agent:
        return None
    text = user_agent.lower()
    for device, words in _WORDS:
        if any(word in text for word in words):
            return device
    return "other"
