"""The stored part of an IP address."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.ip_addresses import truncated


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("198.51.100.9", "198.51.100.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:198.51.100.9", "198.51.100.0"),
        ("2002:c633:6409::1", "198.51.100.0"),
        ("198.51.100.9:443", None),
        ("198.51.100", None),
        ("01.2.3.4", None),
        ("localhost", None),
        ("\ud800", None),
        ("", None),
        (None, None),
    ],
)
def test_examples(address: str | None, kept: str | None) -> None:
    """The part that may identify a household is removed; an invalid address is not stored."""
    assert truncated(address) == kept


@given(first=st.ip_addresses(v=4), host=st.integers(0, 255))
def test_ipv4(first: object, host: int) -> None:
    """The 256 addresses of a /24 have the same stored value."""
    other = int(ip_address(str(first))) & ~0xFF | host

    assert truncated(str(first)) == truncated(str(ip_address(other)))


@given(address=st.ip_addresses(v=6))
def test_ipv6(address: object) -> None:
    """At most 48 bits of an IPv6 address are stored; truncating again changes nothing."""
    kept = truncated(str(address))

    assert kept is not None
    assert truncated(kept) == kept
    if ":" in kept:
        assert int(ip_address(kept)) & ((1 << 80) - 1) == 0
