"""The faults that are injected into dependencies."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.tcp_proxy import TcpProxy

HTTP = ("s3", "user_service")

_ROUND_TRIP_SECONDS = 0.4
# Shorter than every read time-out, so that only a limit on the whole response ends it.
_DRIP_SECONDS = 0.2
# Within the smallest responses; for HTTP after the status line.
_CUT_AT_BYTE, _CUT_AT_BYTE_OF_HTTP = 2, 180


@dataclass(frozen=True)
class Fault:
    """One fault. ``begin`` injects it into the connections of a proxy.

    With ``kills`` the server is also killed, and started again at the end of the fault. With
    ``may_pass`` calls that need the dependency may succeed late.
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
        "open connections are reset and new ones refused, as after the end of the server's process",
        lambda proxy, _: proxy.refuse(),
    ),
    Fault(
        "silent",
        "connections are accepted but get no response, as from a server that hangs",
        lambda proxy, _: proxy.black_hole(),
    ),
    Fault(
        "unreachable",
        "connection attempts get no response either, as with a wrong security group or a host "
        "that is down",
        lambda proxy, _: proxy.unreachable(),
    ),
    Fault(
        "slow",
        f"every response takes {_ROUND_TRIP_SECONDS} s longer",
        lambda proxy, _: proxy.delay(_ROUND_TRIP_SECONDS / 2),
        may_pass=True,
    ),
    Fault("cut", "every response is interrupted by a reset", _cut),
    Fault(
        "dripping",
        f"responses arrive byte by byte, one every {_DRIP_SECONDS} s, so that no read times out",
        lambda proxy, _: proxy.drip(_DRIP_SECONDS),
    ),
    Fault(
        "killed",
        "the server's process is killed and started again later",
        lambda proxy, _: proxy.refuse(),
        kills=True,
    ),
)
