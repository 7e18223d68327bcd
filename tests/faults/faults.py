"""The ways in which a dependency breaks."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.tcp_proxy import TcpProxy

HTTP = ("s3", "user_service")

_ROUND_TRIP_SECONDS = 0.4
# Shorter than any read may wait, so that only a bound on the whole answer ends it.
_DRIP_SECONDS = 0.2
# Within the smallest answers, and of HTTP behind the status line.
_CUT_AT_BYTE, _CUT_AT_BYTE_OF_HTTP = 2, 180


@dataclass(frozen=True)
class Fault:
    """One way to break. ``begin`` breaks what runs through a proxy.

    ``kills`` says that the server is killed beside, and started again at the fault's end. When
    ``may_pass`` calls that need the dependency may succeed, late.
    """

    title: str
    explanation: str
    begin: Callable[[TcpProxy, str], None]
    kills: bool = False
    may_pass: bool = False


def _cut(proxy: TcpProxy, dependency: str) -> None:
    proxy.cut(at_byte=_CUT_AT_BYTE_OF_HTTP if dependency in HTTP else _CUT_AT_BYTE)


FAULTS = (
    Fault(
        "refused",
        "open connections are reset and new ones refused, as when the server's process is gone",
        lambda proxy, _: proxy.refuse(),
    ),
    Fault(
        "silent",
        "connections are accepted, and nothing comes back, as from a server that hangs",
        lambda proxy, _: proxy.black_hole(),
    ),
    Fault(
        "unreachable",
        "nothing comes back, not even to an attempt to connect, as from behind a wrong security "
        "group or a host that is gone",
        lambda proxy, _: proxy.unreachable(),
    ),
    Fault(
        "slow",
        f"every answer takes {_ROUND_TRIP_SECONDS} s longer",
        lambda proxy, _: proxy.delay(_ROUND_TRIP_SECONDS / 2),
        may_pass=True,
    ),
    Fault("cut", "every answer breaks off in its middle, with a reset", _cut),
    Fault(
        "dripping",
        f"answers come byte by byte, one in {_DRIP_SECONDS} s, so that no single read times out",
        lambda proxy, _: proxy.drip(_DRIP_SECONDS),
    ),
    Fault(
        "killed",
        "the server's process is killed, and started again later",
        lambda proxy, _: proxy.refuse(),
        kills=True,
    ),
)
