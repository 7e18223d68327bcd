"""Truncation of IP addresses, so that they do not identify a household."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_KEPT_BITS = {4: 24, 6: 48}


def truncated(text: str | None) -> str | None:
    """Return the network address of the IP address ``text``; None if it is not an IP address.

    The network is a /24 for IPv4 and a /48 for IPv6. An IPv6 address that embeds an IPv4 address
    (mapped, 6to4) counts as that IPv4 address.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or IPv6Address(int(address))
    network = ip_network((address, _KEPT_BITS[address.version]), strict=False)
    return str(network.network_address)
