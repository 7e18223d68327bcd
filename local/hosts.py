"""Which names a browser may call a local server by.

A page on the web can have its own name lead to this machine (DNS rebinding) and would then be read
as if it came from here. Its name stands in ``Host``, which no page can choose.
"""

import ipaddress
import socket
from collections.abc import Collection

_IPV4 = 4
# What containers call the machine that they run on.
_FROM_CONTAINERS = "host.docker.internal"


def is_this_machine(host: str, others: Collection[str] = ()) -> bool:
    """Tell whether a ``Host`` header names this machine, or one of ``others``; ports do not count.

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
    """Tell whether this machine has the address, such as that of a bridge to containers."""
    family = socket.AF_INET if address.version == _IPV4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as unused:
            unused.bind((str(address), 0))
    except OSError:
        return False
    return not address.is_unspecified
