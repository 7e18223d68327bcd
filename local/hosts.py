"""Which names a browser may call a local server by.

A page on the web can have its own name lead to this machine (DNS rebinding) and would then be read
as if it came from here. Its name stands in ``Host``, which no page can choose.
"""

import ipaddress
from collections.abc import Collection


def is_this_machine(host: str, others: Collection[str] = ()) -> bool:
    """Tell whether a ``Host`` header names this machine, or one of ``others``; ports do not count.

    >>> is_this_machine("localhost:8005"), is_this_machine("[::1]:8005")
    (True, True)
    >>> is_this_machine("rebound.example:8005")
    False
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost") or name in others:
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
