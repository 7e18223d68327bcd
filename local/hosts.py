"""The host names under which a browser may access a local server.

A web page can make its own host name resolve to this machine (DNS rebinding), so that the browser
treats a local server as the page's own origin. The ``Host`` header then contains the name of the
page, which the page cannot change.
"""

import ipaddress
import socket
from collections.abc import Collection

_IPV4 = 4
# The name of the host machine inside containers.
_FROM_CONTAINERS = "host.docker.internal"


def is_this_machine(host: str, others: Collection[str] = ()) -> bool:
    """Return whether a ``Host`` header names this machine or one of ``others``, at any port.

    >>> is_this_machine("localhost:8005"), is_this_machine("[::1]:8005")
    (True, True)
    >>> is_this_machine("rebound.example:8005")
    False
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.lower().removesuffix(".")
    if name in ("localhost", _FROM_CONTAINERS, *others) or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or _is_own(address)


def _is_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether this machine has the address, for example that of a container bridge."""
    family = socket.AF_INET if address.version == _IPV4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as unused:
            unused.bind((str(address), 0))
    except OSError:
        return False
    return not address.is_unspecified
